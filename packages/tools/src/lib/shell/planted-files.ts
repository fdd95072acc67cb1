import { GenieError } from '@genie/core/errors';
import { openConfinedFolder } from '../confine/confined-folder.ts';

/** A file in the workspace that runs code when a person or a program later does something ordinary there. */
export interface PlantedFile {
  /** Relative to the workspace. */
  readonly path: string;
  /** For the user: what would run it. */
  readonly why: string;
  /** Its ctime, epoch ms. */
  readonly changedAt: number;
}

/** Folders that are looked into, and which of their entries count. */
const places: readonly { readonly folder: string; readonly name: RegExp; readonly why: string }[] = [
  { folder: '.git/hooks', name: /^(?!.*\.sample$)/, why: 'git runs it on commit, checkout or merge' },
  { folder: '.git', name: /^config(\.worktree)?$/, why: 'git settings can name programs that git runs' },
  { folder: '.husky', name: /./, why: 'git runs it through husky' },
  {
    folder: '.vscode',
    name: /^(tasks|launch|settings)\.json$/,
    why: 'the editor runs tasks when the folder is opened',
  },
  { folder: '.idea', name: /^(workspace\.xml|runConfigurations)$/, why: 'the editor runs configurations' },
  { folder: '.devcontainer', name: /./, why: 'the editor builds and runs it' },
  { folder: '.github/workflows', name: /./, why: 'continuous integration runs it' },
  { folder: '.circleci', name: /^config\.yml$/, why: 'continuous integration runs it' },
  { folder: '.cargo', name: /^config(\.toml)?$/, why: 'cargo runs the programs it names' },
  {
    folder: '',
    name: /^(\.gitlab-ci\.yml|\.gitmodules|\.gitattributes|\.envrc|\.npmrc|\.pnpmfile\.cjs|\.yarnrc\.yml|\.mise\.toml|Jenkinsfile|\.pre-commit-config\.yaml|lefthook\.yml|\.bashrc|\.profile|\.bash_profile|\.zshrc|\.zshenv|\.vimrc|\.exrc|sitecustomize\.py|usercustomize\.py|conftest\.py|\.eslintrc\.c?js)$/,
    why: 'a shell, editor, package manager or build runs or obeys it',
  },
];

/**
 * Finds such files in a workspace. For showing to the user: a file here harms nobody until somebody works in that folder outside of the
 * sandbox.
 */
export function plantedFiles(workspace: string): readonly PlantedFile[] {
  const folder = openConfinedFolder(workspace);
  try {
    return places.flatMap(({ folder: inner, name, why }) =>
      entriesOf(() => folder.list(inner, { maxEntries: 2000 }).entries)
        .filter((entry) => name.test(entry.name.toLowerCase()) || name.test(entry.name))
        .filter((entry) => entry.kind !== 'folder')
        .map(({ name, changedAt }) => ({ path: inner === '' ? name : `${inner}/${name}`, why, changedAt })),
    );
  } finally {
    folder.close();
  }
}

function entriesOf<Entry>(list: () => readonly Entry[]): readonly Entry[] {
  try {
    return list();
  } catch (error) {
    // The folder is not there, or is a link: nothing planted in it.
    if (GenieError.isInstance(error)) return [];
    throw error;
  }
}
