export type { GenieFile } from './lib/home/genie-file.ts';
export { genieFileSchema, readGenieFile, writeGenieFile } from './lib/home/genie-file.ts';
export type { GenieIdentity } from './lib/home/genie-json.ts';
export { genieFilePath } from './lib/home/genie-json.ts';
export type { HomeFolders } from './lib/home/open-home.ts';
export { homeFolders } from './lib/home/open-home.ts';
