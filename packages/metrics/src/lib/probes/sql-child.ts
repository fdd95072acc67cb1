/**
 * The program of the process that runs a SQL probe: plain JavaScript for `node --eval`, so that it needs no file beside the package. It
 * opens the database read-only, or loads a data file into memory as the table `data`, and prints one JSON line. It is a process because
 * a query cannot be interrupted from inside: the parent kills it at its time limit.
 */
export const sqlChildSource = `
import { readFileSync } from 'node:fs';
import { DatabaseSync, constants } from 'node:sqlite';
const { file, kind, sql, maxRows } = JSON.parse(readFileSync(0, 'utf8'));
const answer = (value) => process.stdout.write(JSON.stringify(value));
try {
  const database = kind === 'database' ? new DatabaseSync(file, { readOnly: true, allowExtension: false }) : load(file, kind);
  database.exec('PRAGMA query_only = ON');
  if (database.limits) database.limits.length = 64 * 1024 * 1024;
  if (typeof database.setAuthorizer === 'function') {
    const allowed = new Set([constants.SQLITE_SELECT, constants.SQLITE_READ, constants.SQLITE_FUNCTION, constants.SQLITE_RECURSIVE]);
    database.setAuthorizer((action) => (allowed.has(action) ? constants.SQLITE_OK : constants.SQLITE_DENY));
  }
  const rows = [];
  for (const row of database.prepare(sql).iterate()) {
    rows.push(row);
    if (rows.length > maxRows) break;
  }
  answer({ rows });
} catch (error) {
  answer({ error: String(error && error.message ? error.message : error) });
}
function load(path, format) {
  const text = readFileSync(path, 'utf8');
  const records = format === 'csv' ? parseCsv(text) : format === 'jsonl' ? text.split('\\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line)) : [].concat(JSON.parse(text));
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const database = new DatabaseSync(':memory:');
  if (columns.length === 0) throw new Error('the data file has no rows');
  const quoted = columns.map((column) => '"' + column.replaceAll('"', '""') + '"');
  database.exec('CREATE TABLE data (' + quoted.join(', ') + ')');
  const insert = database.prepare('INSERT INTO data VALUES (' + columns.map(() => '?').join(', ') + ')');
  database.exec('BEGIN');
  for (const record of records) insert.run(...columns.map((column) => toCell(record[column])));
  database.exec('COMMIT');
  return database;
}
function toCell(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value);
}
function parseCsv(text) {
  const rows = [];
  let row = [], cell = '', quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[index + 1] === '"') { cell += '"'; index += 1; }
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',') { row.push(cell); cell = ''; }
    else if (character === '\\n') { row.push(cell.replace(/\\r$/, '')); rows.push(row); row = []; cell = ''; }
    else cell += character;
  }
  if (cell !== '' || row.length > 0) { row.push(cell); rows.push(row); }
  const [head = [], ...rest] = rows;
  return rest.map((cells) => Object.fromEntries(head.map((name, index) => [name.trim(), numeric(cells[index])])));
}
function numeric(cell) {
  if (cell === undefined || cell === '') return null;
  const number = Number(cell);
  return cell.trim() !== '' && Number.isFinite(number) ? number : cell;
}
`;
