// Grafana loads a plugin as one AMD module and provides React and its own packages.
// https://grafana.com/developers/plugin-tools/key-concepts/anatomy-of-a-plugin
const path = require('path');
const CopyPlugin = require('copy-webpack-plugin');

const PROVIDED = [
  'react',
  'react-dom',
  'react/jsx-runtime',
  'rxjs',
  'rxjs/operators',
  '@emotion/css',
  'lodash',
  'moment',
];

module.exports = (_, { mode }) => ({
  context: path.join(__dirname, 'src'),
  entry: { module: './module.ts' },
  devtool: mode === 'production' ? 'source-map' : 'eval-source-map',
  externals: [...PROVIDED, /^@grafana\/(ui|data|runtime)/],
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        use: {
          loader: 'swc-loader',
          options: { jsc: { target: 'es2022', parser: { syntax: 'typescript', tsx: true } } },
        },
      },
    ],
  },
  resolve: { extensions: ['.ts', '.tsx', '.js'] },
  output: {
    path: path.join(__dirname, 'dist'),
    filename: '[name].js',
    library: { type: 'amd' },
    publicPath: 'public/plugins/seamark-datasource/',
    uniqueName: 'seamark-datasource',
    clean: { keep: /^gpx_/ },
  },
  plugins: [
    new CopyPlugin({
      patterns: [
        { from: 'plugin.json' },
        { from: 'img', to: 'img' },
        { from: '../README.md' },
        { from: '../CHANGELOG.md' },
      ],
    }),
  ],
});
