/** The database that DATABASE_URL gives to the demo in place of a file of its own. */
import pg from 'pg'

/**
 * The Postgres of DATABASE_URL, if it names one: a demo touches nobody's SQLite file.
 *
 * @returns undefined for a file of the demo's own, or a sentence if a Dolly has used that Postgres. The demo's bot would work on
 *   its jobs, with threads in a Slack where nobody is.
 */
export async function demoDatabase(url = ''): Promise<{ url: string } | { refusal: string } | undefined> {
  if (!/^postgres(ql)?:/.test(url)) return undefined
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ jobs: string | null }>("select to_regclass('jobs') as jobs")
    if (rows[0]?.jobs == null) return { url }
    return { refusal: 'The database of DATABASE_URL has tables of a Dolly. Name an empty one, or unset DATABASE_URL.' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      refusal: `The demo can't use the database of DATABASE_URL (${reason}). Correct it, or unset DATABASE_URL.`,
    }
  } finally {
    await client.end().catch(() => undefined)
  }
}
