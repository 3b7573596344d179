/** What is stored of a provider's words about a job. */
import type { Job } from '../domain/job.js'
import { cut, MAX_FOREIGN_TEXT_LENGTH } from '../lib/text.js'

/** In characters. */
export const MAX_DETAIL_LENGTH = 2_000

/** A detail as it is stored: bounded, and without personal answers. */
export function toStoredDetail(job: Job, detail: string): string {
  return cut(withoutPersonal(job, detail.slice(0, MAX_FOREIGN_TEXT_LENGTH)), MAX_DETAIL_LENGTH)
}

/** Takes personal answers out of a provider's words, which may quote them whole or up to where the words were cut. */
export function withoutPersonal({ params, personal }: Job, text: string): string {
  const words = personal.flatMap((key) => String(params[key] ?? '').split(/\s+/)).filter(({ length }) => length >= 8)
  return words.reduce((clean, word) => {
    const [before = '', ...after] = clean.split(word.slice(0, 16))
    const redacted = before + after.map((rest) => `••••${rest.replace(/^[^\s"',]*/, '')}`).join('')
    return redacted.replaceAll(/(••••)+/g, '••••')
  }, text)
}
