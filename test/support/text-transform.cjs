/** Makes a file a module whose default export is its text, as the bundler does for imports of the type "text". */
module.exports = {
  process: (text, _file, { supportsStaticESM }) => ({
    code: `${supportsStaticESM ? 'export default' : 'module.exports ='} ${JSON.stringify(text)};`,
  }),
};
