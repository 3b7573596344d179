/** Why Postgres can't be used, as sentences for the operator: with host and database, never with the password. */
import { sql } from 'kysely'
import { ConnectionError, rootCause, TemporaryError } from '../errors.js'
import type { Database } from './schema.js'

/** What follows "The database … on …: ". */
export const STANDBY = 'it is a standby, or set to be read only. Point DATABASE_URL to the primary.'
export const DROPPED_LIMITS =
  "the limits that Dolly sets for its sessions don't arrive. Usually a proxy such as PgBouncer drops them (ignore_startup_parameters). Point DATABASE_URL to Postgres itself."

/** Name and host of a database, without its user and password: `the database dolly on db.example:5432`. */
export function describeUrl(url: string): string {
  const { host, username, pathname, searchParams } = new URL(url)
  // An address without a database means the one that is called like its user.
  const name = decodeURIComponent(pathname.slice(1) || username) || 'postgres'
  return `the database ${name} on ${searchParams.get('host') || host || 'this machine'}`
}

/**
 * What the operator reads when Dolly can't open a database, or can't go on with it.
 *
 * @param error of pg, or a TemporaryError around it.
 * @returns undefined for an error that isn't about the connection to Postgres.
 */
export function explainAccess(url: string, error: unknown): ConnectionError | undefined {
  if (error instanceof ConnectionError) return error
  const refusal = explainRefusal(url, error)
  if (refusal !== undefined) return refusal
  if (!(error instanceof TemporaryError)) return undefined
  const cause = causeOf(error)
  const place = describeUrl(url)
  if (cause.code === '53300') {
    return new ConnectionError(
      `There's no free connection to ${place} (${cause.message}). Each replica needs 7: raise max_connections there, or run fewer.`,
    )
  }
  return new ConnectionError(
    `Dolly can't reach ${place} (${cause.message}). Check the address in DATABASE_URL, and that Postgres runs there.`,
  )
}

/** The same for errors that somebody must fix, so that there's no use in trying again. */
export function explainRefusal(url: string, error: unknown): ConnectionError | undefined {
  const place = describeUrl(url)
  const { code, message } = causeOf(error)
  const user = decodeURIComponent(new URL(url).username) || 'that Dolly runs as'
  const sentence = refusals(place, user, message).find(([pattern]) => pattern.test(`${code} ${message}`))?.[1]
  return sentence === undefined ? undefined : new ConnectionError(sentence)
}

/** Patterns of "code message", and what to do. */
function refusals(place: string, user: string, message: string): [RegExp, string][] {
  return [
    [
      /^28P01 |client password must be a string/,
      `Postgres refuses the user ${user} or its password for ${place}. Correct them in DATABASE_URL; write characters such as @ / : # % as %40 %2F %3A %23 %25.`,
    ],
    [
      /^28000 .*no encryption/,
      `Postgres lets the user ${user} into ${place} only over TLS. Add ?sslmode=verify-full to DATABASE_URL (docs/operating.md has the other modes).`,
    ],
    [
      /^28000 /,
      `Postgres doesn't let the user ${user} into ${place} (${message}). Check the user in DATABASE_URL, and pg_hba.conf on the server.`,
    ],
    [/^3D000 /, `There's ${place.replace('the', 'no')}. Create it (createdb), or correct its name in DATABASE_URL.`],
    [
      /^(42501|3F000) /,
      `The user ${user} lacks rights in ${place} (${message}). Make it the owner: alter database … owner to ….`,
    ],
    [/^25006 /, `${place.replace('the', 'The')}: ${STANDBY}`],
    [
      /unsupported startup parameter/,
      `A proxy in front of ${place} refuses the limits that Dolly sets for its sessions (${message}), as PgBouncer does. Point DATABASE_URL to Postgres itself.`,
    ],
    [
      /does not support SSL/,
      `${place.replace('the', 'The')}: it doesn't speak TLS, which sslmode in DATABASE_URL asks for. Switch it on there, or remove sslmode.`,
    ],
    [
      /^(ERR_TLS_|ERR_SSL_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/,
      `There's no trusted connection to ${place} (${message}). Use the host name that the certificate is for; if your own authority signed it, add sslrootcert=/path/to/ca.pem to DATABASE_URL.`,
    ],
    [/^ENOENT .*open/, `DATABASE_URL names a file that can't be read (${message}).`],
  ]
}

/** @throws ConnectionError when the session doesn't have the limits that Dolly asked for. */
export async function assertLimits(db: Database, url: string, lockMs: number): Promise<void> {
  const { rows } = await sql<{ ms: number }>`
    select setting::int as ms from pg_settings where name = 'lock_timeout'
  `.execute(db)
  if (rows[0]?.ms !== lockMs) throw new ConnectionError(`${describeUrl(url).replace('the', 'The')}: ${DROPPED_LIMITS}`)
}

/** What pg or the system said, in a few words. */
export function reasonOf(error: unknown): string {
  return causeOf(error).message
}

function causeOf(error: unknown): { code: string; message: string } {
  const cause = error instanceof TemporaryError ? (rootCause(error) ?? error) : error
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  return { code, message: cause instanceof Error ? cause.message : String(cause) }
}
