process.env.TZ = 'UTC';

// Packages that are published as ES modules only have to be transformed too.
const MODULES =
  'ol|d3|d3-.*|delaunator|internmap|robust-predicates|uuid|react-colorful|marked|react-calendar|get-user-locale|memoize|mimic-function|@wojtekmaj/.*|leven|nanoid|monaco-promql|@kusto/.*|d3-scale-chromatic|color-.*|rxjs|geotiff|quick-lru|@grafana/.*|.*uplot.*|micro-memoize|moo|rbush|quickselect|earcut|pbf|lerc|xml-utils|web-worker|zstddec|tinycolor2';

module.exports = {
  testEnvironment: 'jest-environment-jsdom',
  testTimeout: 60_000, // typing is slow where others work too
  setupFilesAfterEnv: ['<rootDir>/jest.setup.js'],
  testMatch: ['<rootDir>/src/**/*.test.{ts,tsx}'],
  moduleNameMapper: { '\\.css$': '<rootDir>/jest.style.js' },
  transform: {
    '^.+\\.(t|j|mj)sx?$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript', tsx: true } } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${MODULES})/)`],
};
