/** All that `dolly` can do. The arguments are read and the help is written from this table. */

/** Does what a command is for, and returns the exit code. */
export type Run = (operands: readonly string[], flags: ReadonlySet<string>) => Promise<number>

export interface Command {
  /** The words that call it: `db copy`. */
  name: string
  /** What follows the name, in order: `<file>` must be there, `[end]` may be. */
  operands: readonly string[]
  /** Its options, each with what it does. */
  flags: Readonly<Record<string, string>>
  /** One line for the list of all commands. */
  summary: string
  /** Sentences for its own help. */
  details: string
  /** When it exits with which code. */
  exits: { 0: string; 1: string }
  /** Loaded when it's called, so that no command waits for the libraries of another one. */
  load(): Promise<{ run: Run }>
}

export const commands: readonly Command[] = [
  {
    name: 'start',
    operands: [],
    flags: {},
    summary: 'start Dolly; "dolly" alone does the same',
    details:
      'Starts Dolly with dolly.yml and the variables of the environment and .env, and logs to standard output. It stops on SIGTERM and SIGINT, and takes up to ten seconds to finish what it is doing.',
    exits: {
      0: 'it was stopped',
      1: "it couldn't start, and says why in a sentence; or it met a bug, which it logs",
    },
    load: () => import('./start.js'),
  },
  {
    name: 'init',
    operands: ['[provider]'],
    flags: {},
    summary: 'write a dolly.yml with one connection, and a .env to fill in',
    details:
      'Writes a dolly.yml with one connection, and a .env with the variables to fill in, into the working directory, and says what to do next. The provider is one of those in the README, such as hoody; without one it is the first. Files that are there already stay as they are.',
    exits: { 0: 'both files were written', 1: 'nothing was written' },
    load: () => import('./init.js'),
  },
  {
    name: 'doctor',
    operands: [],
    flags: { json: 'print an array of {check, result, sentence} for scripts' },
    summary: 'try the configuration, the database, Slack and each connection once',
    details:
      "Tries dolly.yml, the database, Slack's tokens and scopes, this machine's clock and each connection once. It starts nothing, changes nothing, and may run while Dolly runs. Each result is ok, warning or failed.",
    exits: { 0: 'nothing failed; there may be warnings', 1: 'something failed' },
    load: () => import('./doctor.js'),
  },
  {
    name: 'migrate',
    operands: [],
    flags: {},
    summary: 'bring the database to the newest schema, as a start does',
    details:
      'Brings the database of DATABASE_URL to the newest schema, all or nothing, and says from what to what. A start does the same by itself. On SQLite, stop Dolly first; on Postgres, older replicas go on beside it.',
    exits: { 0: 'the schema is the newest', 1: 'the schema is as it was' },
    load: () => import('./migrate.js'),
  },
  {
    name: 'db backup',
    operands: ['<file>'],
    flags: {},
    summary: 'copy the SQLite file while Dolly runs',
    details:
      'Copies the SQLite file of DATABASE_URL to a new file, as it is at one moment. Dolly may run meanwhile. Only you can open the copy. If a Dolly ever starts on it, its live jobs ask a person first, so nothing is done twice. On Postgres use pg_dump.',
    exits: { 0: 'the copy is complete and was checked', 1: 'there is no copy' },
    load: () => import('./db-backup.js'),
  },
  {
    name: 'db restored',
    operands: [],
    flags: {},
    summary: 'let a restored database ask before anything is done again',
    details:
      'For a database that other tools backed up and restored, such as pg_dump and pg_restore: run it before the start. Its live jobs ask a person how to go on, its schedules skip the times that have passed, and clones that expire within a day get a new warning first. A start does the same by itself with a file of "dolly db backup".',
    exits: { 0: 'Dolly can start on the database', 1: 'nothing was changed' },
    load: () => import('./db-restored.js'),
  },
  {
    name: 'db copy',
    operands: ['<file>'],
    flags: {},
    summary: 'copy a SQLite file to the empty Postgres database of DATABASE_URL',
    details:
      'Copies a SQLite file, live jobs included, to the empty Postgres database of DATABASE_URL, all or nothing. Stop Dolly first. Afterwards no Dolly starts on the file: its jobs go on in the new database.',
    exits: { 0: 'everything was copied', 1: 'nothing was copied, or it may not have been; a sentence says which' },
    load: () => import('./db-copy.js'),
  },
  {
    name: 'audit verify',
    operands: ['[end]'],
    flags: {},
    summary: 'check the audit for altered or missing rows',
    details:
      'Checks the audit for altered or missing rows, and may run while Dolly runs. With the end of the chain from a line of the log ("anchor") it also checks whether later rows were cut off.',
    exits: { 0: 'the audit is intact', 1: "it isn't, or it can't be verified" },
    load: () => import('./audit-verify.js'),
  },
  {
    name: 'demo',
    operands: ['[port]'],
    flags: { empty: 'begin without any jobs' },
    summary: 'try Dolly on this machine, without an account',
    details:
      "Starts a Slack workspace, simulated providers and Dolly between them, and prints the address of the workspace's page. Everything is on this machine only, and nothing is kept when you stop it with Ctrl-C. Without a port it takes 4321, or a free one.",
    exits: { 0: 'it was stopped', 1: "it couldn't start, and says why in a sentence" },
    load: () => import('./demo.js'),
  },
]
