/** The contract of a provider: one declaration that draws the form, checks the input, carries out the job and watches it. */
import { z } from 'zod'
import type { ExpiryPolicy } from '../domain/expiry.js'
import type { Observation, Ref } from '../domain/job.js'
import type { Api, ClientOptions } from './api.js'

export type { ExpiryPolicy } from '../domain/expiry.js'
export type { Observation, Ref } from '../domain/job.js'
export type { Api, ClientOptions, RequestOptions, Verdict } from './api.js'
export { allStepsOf, type JobStep, mustDeleteFirst, operationOf, startOf, stepsOf } from './job-steps.js'
export { foundByName, type Lookup, lookUpEach } from './lookup.js'
export { allItems, eachPage, eachPart, findSurely, mapEach, type Page, rows, settleEach } from './paging.js'
export { ALREADY_GONE, checkGone, removalStep, removed } from './removal.js'
export { allOf, readFor, refusal, runChecks } from './validation.js'
export {
  describedOption,
  maskIds,
  placed,
  placedOption,
  sentence,
  UNKNOWN_PLACE,
  withoutCredentials,
  withPeriod,
  withSentence,
} from './wording.js'

/** What a field may say about itself beside its type. `title` is its label, `description` its hint. */
declare module 'zod' {
  interface GlobalMeta {
    /** Picker that lists its values. Its checks must refuse the labels: without a list they tell an id from a name. */
    picker?: string
    /** Keys of the fields this one's picker needs to know; it stays empty until they are chosen. */
    dependsOn?: string[]
    /** A larger text box. */
    multiline?: boolean
    /** Secret, or a person's own: kept only until the job has ended. */
    personal?: boolean
    /** For the name of what is made: the field that names what is cloned. The form suggests a name from its choice. */
    suggestFrom?: string
    /** Human names of an enum's values. */
    valueTitles?: Record<string, string>
  }
}

/** One entry of a picker's list. */
export interface Option {
  /** What is sent to the provider. */
  value: string
  /** What a person reads: the vendor's own text, of any length; it is cut and escaped where it is shown. */
  label: string
  description?: string
  /**
   * Where the thing lives, such as its project or environment, where the label does not say it; `UNKNOWN_PLACE` where that
   * cannot be read. Not shown in the list: `summary` reads it as `named['<field>.place']`, best through `placed`.
   */
  place?: string
  /**
   * What is copied when this entry is chosen, with its place, where that is another thing than the entry: the source of the
   * copy that is chosen. Not shown in the list: `summary` reads it as `named['<field>.from']`.
   */
  from?: string
}

/** What the form already knows, by field key. */
export type Values = Readonly<Record<string, string>>

/** Lists all there is; searching and cutting to a hundred happens outside. Reads only. */
export type Picker = (api: Api, values: Values) => Promise<Option[]>

/**
 * The words a person chose, by field key: the label behind a picked value, or the value itself as text. What its list says
 * beside it is under `<field>.place` and `<field>.from`. For sentences, never for requests.
 */
export type Named = Readonly<Record<string, string>>

/**
 * One write to the provider and the wait for it. `Before` is what the steps before it made: nothing for the first step.
 * Method syntax is deliberate: the list of providers can hold steps of any type.
 */
export interface Step<P, Before, R> {
  /** Stored with the job, so that a later version still finds it: never renamed, unique in its operation. */
  id: string
  /** Verb and object, as an order: "Copy the container". */
  title: string
  /** The same while it's under way, at most 40 characters: "Copying the container". The provider's name follows: "… on Hoody". */
  doing: string
  /** Skips the step when it answers false. Not for the first step. */
  when?(params: P): boolean
  /** Makes exactly one write; reads beside it are fine. Never retried blindly. */
  run(api: Api, params: P, before: Before, attempt: Attempt): Promise<Written<R>>
  /**
   * What looks like our write and is not, by the provider's own times or ids: the newest trace of earlier ones, or what has
   * the name already. Noted before the first try; what `find` sees beyond it is ours. Reads only; a UserError refuses.
   */
  baseline?(api: Api, params: P, before: Before): Promise<string>
  /**
   * What an interrupted `run` left behind, or null when there is provably nothing. Without this function a lost answer is
   * a question for a person. A UserError says that nothing came of it and that the step must not be run again.
   */
  find?(api: Api, params: P, before: Before, attempt: Attempt): Promise<Written<R> | null>
  /**
   * Whether what a try of it left behind stands in the way of another. Trying again then deletes that first, if the person
   * wants it, and begins at the first step. A first step that was accepted is always such a one.
   */
  isOnceOnly?: boolean
  /** A lost write counts as absent once `find` has answered null for this long, in milliseconds. Default 10 000. */
  absentAfterMs?: number
  /**
   * Reads only. One observation per ref, in the same order: one call to the provider for as many jobs as possible. Steps
   * that share this very function are polled together. An error in an observation's place is a poll that failed for that
   * ref alone; one that is thrown failed for all. `now` is our clock, in milliseconds, for what takes too long.
   */
  check(api: Api, refs: readonly R[], now: number): Promise<(Observation<R> | Error)[]>
}

/** What `run` and `find` answer: the ref of what the write made or, where that has ended already, the ref and how. */
export type Written<R = Ref> = R | Ended<R>

/** A write after which there is nothing to wait for: it is never polled, and the thread hears of the end at once. */
export interface Ended<R = Ref> {
  ref: R
  /**
   * `done` ends the step, `failed` the job. `incomplete` is for what is surely ours and surely not whole, such as what a
   * server leaves that breaks halfway: it is never used, the job fails, and its thread says that it can be deleted.
   */
  ended: 'done' | 'failed' | 'incomplete'
  /** As in an observation; for `incomplete` a sentence on what is or may be missing. */
  detail?: string
  url?: string
  consoleUrl?: string
}

/** The ref of what was written, and the observation that ends its step if it has ended. */
export function readWritten<R extends Ref>(written: Written<R>): { ref: R; observation?: Observation<R> } {
  if (!isEnded(written)) return { ref: written }
  const { ref, ended, ...rest } = written
  if (ended !== 'incomplete') return { ref, observation: { ...rest, phase: ended } }
  const detail = `It was made, but it's incomplete. ${rest.detail ?? ''} You can delete it.`.replace('  ', ' ')
  return { ref, observation: { ...rest, phase: 'failed', detail } }
}

/** Refs are flat: a `ref` inside that is an object is not one of their own values. */
function isEnded<R extends Ref>(written: Written<R>): written is Ended<R> {
  return typeof written.ref === 'object'
}

/** One try of a step. */
export interface Attempt {
  /** The job's id, for providers whose things can carry a label of ours. */
  job: string
  /**
   * What was made before is not ours. It is up to five minutes earlier than the job, for two clocks may differ by that,
   * but not before an earlier job with the same lock had ended.
   */
  since: Date
  /** What the step's `baseline` read; empty where it has none. */
  baseline: string
  /** How many tries of this step may have reached the provider, this one included. */
  tries: number
  /** How long we have searched for a lost write and found nothing, in milliseconds: it may still be under way. */
  searchedForMs: number
  /**
   * Why the answer of this write is missing: the server's 5xx, or no status for a connection that broke or timed out.
   * Absent before the write, and when Dolly itself was stopped before the answer. Stored, so it survives a restart.
   */
  lost?: { status?: number }
  /** Our clock, in milliseconds. */
  now: number
}

/** What the last page of the form says before anything is done. Plain sentences. */
export interface Preview {
  copied: string
  notCopied: string
  /** What will be overwritten or cost more than one may expect. What a default does is no warning. */
  warning?: string
  /** What is interrupted meanwhile although nobody chose it. Where somebody did, the `warning` says so. */
  downtime?: string
  /** Whether the target's contents are lost, as the `warning` says. The button on the last page then says so too. */
  overwrites?: boolean
}

/** What the provider's present state says of the answers of a form. Sentences for the person who filled it in. */
export interface Validation {
  /** What the provider will surely refuse: a sentence for each field at fault, by its key. */
  errors?: Readonly<Record<string, string>>
  /** What a person must know before they start, put before the warning of the preview. */
  warnings?: readonly string[]
}

/** Something a provider can do for us, with its own form. */
export interface Operation<P = Record<string, unknown>, R = Ref> {
  /** Verb and object, at most 24 characters, for it is also a modal's title: "Copy a container". */
  title: string
  /** Each property needs `.meta({ title })`; see `GlobalMeta` for the rest. Rows of the form, in this order. */
  fields: z.ZodType<P> & z.ZodObject
  /** The shape of this operation's refs as they come back from the database. */
  ref: z.ZodType<R>
  /** Two live jobs of one connection may not share a lock: name the target they would both write to. */
  lock(params: P): string
  /** What the thread says is cloned, from where and to where. Plain text. */
  summary(named: Named): { from: string; to: string }
  /** What will and will not be copied with these answers. Leave out doubts that `validate` can clear up. */
  preview(params: P, named: Named): Preview
  /**
   * Asks the provider, when the form is sent, what would otherwise be a failed job: names that are taken, quotas, switches
   * that are off. Reads only, within about a second. A UserError with a `field` counts as its error. Any other
   * error, or no answer in time, keeps no one from starting: the write itself decides.
   */
  validate?(api: Api, params: P): Promise<Validation>
  /** Whether data or secrets of the source reach the target, so that rules should look at both. */
  copiesData: boolean
  /** How long one step may take before it is given up, in milliseconds. */
  deadlineMs: number
  /** The provider's answers are no fresher than this, in milliseconds: polling sooner finds nothing new. Default 3 000. */
  pollEveryMs?: number
  steps: readonly [Step<P, null, R>, ...Step<P, R, R>[]]
  /** How a job of its own deletes what a job of this operation made. Absent where that made nothing of its own. */
  removal?: Removal<R>
}

/** The deletion of what a job made, also of what one left behind that failed halfway. */
export interface Removal<R = Ref> {
  /** What goes with it, and what stays although one may think otherwise. Sentences for the person who confirms. */
  loses: string
  /** Where another operation writes to what a job of this one made: that operation's lock. Default: the lock of the job. */
  lock?(ref: R): string
  /** One for each write it takes, carried out in this order. If the thing is already gone, the step ends at once. */
  steps: readonly [RemovalStep<R>, ...RemovalStep<R>[]]
}

/**
 * Deletes one thing; `check` is done when the provider no longer has it. The ref is that of the job that made it, and must be
 * enough: the answers of the form may be gone by then, so `params` say nothing and there is no `when`. `run` reads first, and
 * deletes only what is provably that thing: by an id that is never reused, or a mark of ours. `removalStep` makes most.
 */
export type RemovalStep<R = Ref> = Step<unknown, R, R>

export interface Provider<C = unknown> {
  /** Equal to the file name. */
  id: string
  name: string
  /** What dolly.yml must say of a connection beside `provider`. */
  connection: z.ZodType<C>
  client(connection: C): ClientOptions
  pickers: Readonly<Record<string, Picker>>
  operations: Readonly<Record<string, Operation>>
  /** How many writes of one connection may be under way at once. Default 4. */
  maxConcurrentWrites?: number
}

/** One configured account: what the rest of Dolly knows of a provider. */
export interface Connection {
  /** The operator's name for it, such as `hoody-prod`. */
  name: string
  provider: Provider
  /** Where its API is, for people: `api.hoody.com`. */
  host: string
  api: Api
  /** How long what is made there is kept. */
  expiry: ExpiryPolicy
}

/** Polls of one ref usually follow each other within half of this. */
const MAX_BETWEEN_POLLS_MS = 60_000

/**
 * How much longer a state has lasted since the last poll of its ref, in milliseconds; 0 at the first. For what counts only
 * once it has lasted: the ref keeps the sum and `polledAt`. At most a minute counts, because meanwhile Dolly may have been
 * stopped or its clock set, ahead or back.
 */
export function sinceLastPoll(polledAt: number | undefined, now: number): number {
  return Math.min(Math.max(now - (polledAt ?? now), 0), MAX_BETWEEN_POLLS_MS)
}

/** A question of yes or no, drawn as a checkbox. The answer is no unless `initial` says otherwise. */
export function yesNo(title: string, description: string, initial = false) {
  return z.boolean().default(initial).meta({ title, description })
}

export function defineProvider<C>(provider: Provider<C>): Provider<C> {
  return provider
}

/** Types an operation by its own fields and ref, then lets both be forgotten. */
export function defineOperation<P extends Record<string, unknown>, R extends Ref>(
  operation: Operation<P, R>,
): Operation<P, R> {
  return operation
}
