import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', '.tools/'] },
  ...tseslint.configs.strict,
  { plugins: { 'react-hooks': hooks }, rules: hooks.configs.recommended.rules },
  // tools that load their configuration as CommonJS
  { files: ['**/*.js'], rules: { '@typescript-eslint/no-require-imports': 'off' } }
);
