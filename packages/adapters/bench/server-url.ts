/** The server that benches and soaks make their databases on: `GENIE_TEST_POSTGRES`, by default the one of this machine. */
export const serverUrl = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
