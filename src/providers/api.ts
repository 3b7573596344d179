/** How a provider says where its API is, and the client that its functions get. Types only; `http.ts` has the code. */
import type { z } from 'zod'

/** How to reach one account at one provider. */
export interface ClientOptions {
  baseUrl: string
  /** Sent with every request. All but the usual ones are secrets. */
  headers: Readonly<Record<string, string>>
  /**
   * Headers that must be fetched first, such as a token that lives for minutes. Asked before every request, so it keeps
   * what it has; `isRefused` when that was just answered 401. `login` sends no credentials of its own, and unlike all
   * other requests may go to another https host that the provider's own discovery named.
   */
  authorize?(login: Api, isRefused: boolean): Promise<Readonly<Record<string, string>>>
  /** What a step may want to know of its connection, such as a template of links. No secrets. */
  settings?: Readonly<Record<string, string | undefined>>
  /** The sentence in the provider's error body, if it has the provider's shape. */
  errorMessage(body: unknown): string | undefined
  /** The provider's own reading of an answer that is not 2xx; undefined leaves it to the usual sorting by status. */
  classify?(answer: { status: number; body: unknown }): Verdict | undefined
  /** Milliseconds for one request. Default 10 000. */
  timeoutMs?: number
}

/** What a refusal means, where its status alone would say something else. */
export interface Verdict {
  /** Who must act: the person who typed, the operator, or nobody because it passes. */
  blame: 'user' | 'operator' | 'nobody'
  /** What to read and do; the connection's name is put before it, and its secrets are taken out. */
  sentence: string
  /** The status it stands for, where that is another: a 400 that means 404. */
  status?: number
  /** The request surely changed nothing, although its status leaves that open. */
  hasNoEffect?: boolean
  /** How long to wait where the answer does not say, in milliseconds. */
  retryAfterMs?: number
}

export interface RequestOptions {
  query?: Readonly<Record<string, string | number | boolean>>
  json?: unknown
  /** Sent as application/x-www-form-urlencoded, where a login wants that. */
  form?: Readonly<Record<string, string>>
  /**
   * The answer is sent on unchanged and never shown, such as an app's environment or a token: it is neither cut nor
   * redacted.
   */
  isVerbatim?: boolean
  /** Called right before the request goes out, after any login it needs; an error from it stops the request. */
  beforeSend?(): Promise<void>
  /** Called with the provider's own id of the request, if its answer has one, before that answer is looked at. */
  answered?(requestId: string): void
  /** Added to the connection's own. */
  headers?: Readonly<Record<string, string>>
  /** Milliseconds, where one request needs more than its connection's usual. */
  timeoutMs?: number
}

/**
 * A connection's HTTP client. Every failure arrives as one of the three errors, with no secret in its message. `get` is
 * retried, the others never.
 */
export interface Api {
  /** Reports how many rows of a list were left out because of an unexpected shape, and what is odd about one. */
  reportSkipped?(rows: number, example: string): void
  /** As the provider's `client` gave them. */
  readonly settings?: ClientOptions['settings']
  get<T>(path: string, schema: z.ZodType<T>, options?: RequestOptions): Promise<T>
  post<T>(path: string, schema: z.ZodType<T>, options?: RequestOptions): Promise<T>
  put<T>(path: string, schema: z.ZodType<T>, options?: RequestOptions): Promise<T>
  patch<T>(path: string, schema: z.ZodType<T>, options?: RequestOptions): Promise<T>
  delete<T>(path: string, schema: z.ZodType<T>, options?: RequestOptions): Promise<T>
}
