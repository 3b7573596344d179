/** Requests of the page to the sandbox: JSON in, JSON out, every refusal an error with a sentence. */

/**
 * Sends one request to `/sandbox/<path>`. `T` is what the answer carries beside `ok`.
 *
 * @throws Error whose message can be shown to the person.
 */
export async function post<T = unknown>(path: string, body: object, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(`/sandbox/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Error('The sandbox does not answer. Is it still running?')
  })
  const said: unknown = await answer.json().catch(() => null)
  if (isRecord(said) && said.ok === true) return said as T
  throw new Error(
    isRecord(said) && typeof said.error === 'string' ? said.error : `The sandbox answered with HTTP ${answer.status}.`,
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The error's message. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
