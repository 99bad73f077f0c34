// Whether the compiler takes a changed file: what it refuses is noticed before any test runs.
import { join } from 'node:path';
import ts from 'typescript';

/** That something is not used any more, or never reached, says that a change is there, not that it is wrong. */
const IDLE = new Set([6133, 6138, 6192, 6196, 6198, 7027]);

/** A function that says whether the type check refuses `text` as the content of `file`; the others are as they are. */
export function typeCheck(root, files) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, files, include: [] }, ts.sys, root);
  const paths = files.map((file) => join(root, file));
  const changed = { path: '', text: '', version: 0 };
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => paths,
    getScriptVersion: (path) => (path === changed.path ? `changed ${changed.version}` : 'as it is'),
    getScriptSnapshot: (path) => {
      const text = path === changed.path ? changed.text : ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  return (file, text) => {
    Object.assign(changed, { path: join(root, file), text, version: changed.version + 1 });
    return [
      ...service.getSyntacticDiagnostics(changed.path),
      ...service.getSemanticDiagnostics(changed.path),
    ].some(({ category, code }) => category === ts.DiagnosticCategory.Error && !IDLE.has(code));
  };
}
