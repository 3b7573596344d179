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
  const errors: Record<string, string> = {}
  const warnings: string[] = []
  const failed = (reason: unknown) => {
    if (reason instanceof UserError) {
      if (reason.field !== undefined) errors[reason.field] ??= reason.message
    } else if (!(reason instanceof ConnectionError || reason instanceof TemporaryError)) throw reason
  }
  const [refused, remarked] = await Promise.all([Promise.allSettled(refusals), Promise.allSettled(remarks)])
  for (const one of refused) if (one.status === 'rejected') failed(one.reason)
  for (const one of remarked) {
    if (one.status === 'rejected') failed(one.reason)
    else warnings.push(...one.value)
  }
  return { errors, warnings }
}

/** What a check throws to refuse a field. */
export function refusal(field: string, sentence: string, status?: number): UserError {
  return new UserError(sentence, { field, ...(status !== undefined && { status }) })
}

/** Reads what a field's answer names. If the provider doesn't know it, that is the field's error. */
export async function readFor<T>(field: string, request: Promise<T>): Promise<T> {
  return await request.catch((error: unknown) => {
    if (!isNotFound(error)) throw error
    throw refusal(field, error.message, 404)
  })
}
