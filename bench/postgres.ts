/** A Postgres with its own defaults, which waits for the disk as one in production does. */
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../sandbox/postgres.js'

export interface Server extends Pick<PostgresServer, 'remove'> {
  /** Address of a new database. */
  newDatabase(name: string): Promise<string>
  /** Asks the server itself. */
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>
}

export async function startServer(): Promise<Server> {
  const server = await startPostgres({ isDurable: true })
  const client = new pg.Client(server.url)
  client.on('error', () => {})
  await client.connect()
  return {
    newDatabase: async (name) => {
      await client.query(`create database ${name}`)
      return Object.assign(new URL(server.url), { pathname: `/${name}` }).href
    },
    query: async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await client.query<T>(sql, values)).rows,
    remove: async () => {
      await client.end()
      await server.remove()
    },
  }
}
