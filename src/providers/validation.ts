/** For an operation's `validate`: checks that run side by side, each of which may refuse a field. */
import { ConnectionError, isNotFound, TemporaryError, UserError } from '../errors.js'
import type { Validation } from './provider.js'

/**
 * Runs checks side by side. A UserError with a field becomes that field's error; the first of each field counts. Where the
 * provider doesn't answer now, the write itself decides.
 */
export async function runChecks(
  refusals: readonly Promise<unknown>[],
  remarks: readonly Promise<readonly string[]>[] = [],
): Promise<Validation> {
  const [refused, remarked] = await Promise.all([Promise.allSettled(refusals), Promise.allSettled(remarks)])
  const errors: Record<string, string> = {}
  for (const one of [...refused, ...remarked]) {
    if (one.status === 'fulfilled') continue
    const reason: unknown = one.reason
    if (reason instanceof UserError) {
      if (reason.field !== undefined) errors[reason.field] ??= reason.message
    } else if (!(reason instanceof ConnectionError || reason instanceof TemporaryError)) throw reason
  }
  return { errors, warnings: remarked.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])) }
}

/** What a check throws to refuse a field. */
export function refusal(field: string, sentence: string, status?: number): UserError {
  return new UserError(sentence, { field, status })
}

/** Reads what a field's answer names. If the provider doesn't know it, that is the field's error. */
export async function readFor<T>(field: string, request: Promise<T>): Promise<T> {
  return await request.catch((error: unknown) => {
    if (!isNotFound(error)) throw error
    throw refusal(field, error.message, 404)
  })
}

/** Waits for all. If some failed, throws the error of the first of them in the list, not of the first to fail. */
export async function allOf(checks: readonly Promise<unknown>[]): Promise<void> {
  for (const check of await Promise.allSettled(checks)) if (check.status === 'rejected') throw check.reason
}
