/**
 * What Dolly measures while it works, apart from how it's collected. Every label comes from dolly.yml or the code, so the number of
 * series is bounded: never the name of an app, a channel or a person, nor what a provider or Slack wrote.
 */

/**
 * How a request to a provider ended. `refused`: for what it asked for. `misconfigured`: for what only the operator can change.
 * `unavailable`: no usable answer, and surely no effect. `lost`: no usable answer to a write that may have taken effect.
 */
export type RequestOutcome = 'ok' | 'rate_limited' | 'refused' | 'misconfigured' | 'unavailable' | 'lost' | 'bug'

export type RequestKind = 'read' | 'write'

/** What Slack sends. `list`: what a field offers while somebody types. */
export type SlackRequestKind = 'command' | 'form' | 'click' | 'list' | 'shortcut' | 'event' | 'workflow_step' | 'other'

/** Durations are milliseconds. None of these throws or waits. */
export interface Meter {
  /** A request to a provider, with the retries of a read. */
  requested(
    of: { connection: string; provider: string; kind: RequestKind; outcome: RequestOutcome },
    durationMs: number,
  ): void
  /** One poll of a connection: all its due jobs in one step, however many requests that took. */
  polled(of: { connection: string; provider: string; outcome: 'ok' | 'failed' }, durationMs: number): void
  /** A step's end, since it became the job's current one. */
  stepEnded(
    of: {
      connection: string
      operation: string
      step: string
      outcome: 'done' | 'failed' | 'timed_out' | 'cancelled'
    },
    durationMs: number,
  ): void
  /** A 429. `service`: `slack`, or the id of the provider of this connection. */
  rateLimited(of: { service: string; connection: string }): void
  /** Claims of a process that died became free here. */
  claimsTakenOver(): void
  /** An answer to one of Slack's requests, since the request arrived. */
  acknowledged(kind: SlackRequestKind, durationMs: number): void
  /** A thread shows an event, since that happened. */
  notified(delayMs: number): void
}

export const noMeter: Meter = {
  requested: () => {},
  polled: () => {},
  stepEnded: () => {},
  rateLimited: () => {},
  claimsTakenOver: () => {},
  acknowledged: () => {},
  notified: () => {},
}
