import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', 'coverage/', 'src/trust/templates/'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/prefer-readonly': 'error',
      // Both are taken care of by the compiler (noPropertyAccessFromIndexSignature wants the brackets).
      '@typescript-eslint/dot-notation': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/emulator/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "ImportDeclaration[source.value=/^zod/] > ImportSpecifier[imported.name='z']",
          message:
            "Write import * as z from 'zod' (or 'zod/mini'): the named z keeps every locale, 17 ms at start.",
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          // Below the ten minutes of jest.config.js.
          selector:
            'CallExpression[callee.property.name="setTimeout"][callee.object.name="jest"], CallExpression[arguments.2.raw=/^[1-5]?\\d{1,2}_000$/]:matches([callee.name="test"], [callee.callee.property.name="each"]), CallExpression[arguments.1.raw=/^[1-5]?\\d{1,2}_000$/][callee.name=/^(before|after)(All|Each)$/]',
          message:
            'A test has no time limit of its own: it fails on a machine that is busy with other things.',
        },
      ],
    },
  },
);
