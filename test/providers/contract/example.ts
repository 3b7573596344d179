/** What the suite needs to know of a provider beside its declaration: a few answers, and its simulator. */
import type { StartOptions } from '../../../sandbox/providers/server.js'
import type { Simulator } from '../../../sandbox/providers/simulator.js'
import type { Api, Provider, Ref } from '../../../src/providers/provider.js'

/** Finds the value behind a label of a picker, as a person who chooses from the list does. */
export type Pick = (picker: string, label: string, values?: Record<string, string>) => Promise<string>

/** Answers of a form, or some of them, before they are parsed. */
export type Answers = (pick: Pick) => Promise<Record<string, unknown>>

export interface OperationExample {
  /** Answers that go through all steps. Ids come from `pick`, so that the suite knows their lists. */
  params: Answers
  /** What the thread says of these answers, word for word. Both ends have their place: rules of access compare these words. */
  summary: { from: string; to: string }
  /** The field that chooses what is copied, and what every name of a source looks like, with its place: `/ in \S+$/`. */
  source: { field: string; name: RegExp }
  /**
   * Answers to change for another target with the same source, and for another source with the same target; `source` is
   * left out where a target has only one source. `isRefused` where the simulator has no other target that takes the write.
   */
  others: { target: Answers; source?: Answers; isRefused?: true }
  /** By id of each step that has a `when`: answers to change so that it is left out. */
  without?: Readonly<Record<string, Record<string, unknown>>>
  /** Ids of steps whose write may be sent twice without harm; only they may have a short `absentAfterMs`. */
  repeatable?: readonly string[]
  /** What `validate` warns of with the required answers alone: facts about what was chosen, never a default. */
  warnings?: readonly string[]
  /** Writes over something that was there before. Such an operation warns of it, and has no `removal`. */
  overwrites?: true
  /**
   * The key of the ref that proves for each step of the removal that a thing is the one that the job made: its id, or a
   * mark of ours. Default `id`.
   */
  proof?: string | readonly string[]
  /** Input that the provider refuses, each with the status it is refused with. */
  refused: readonly { status: number; params: Answers }[]
  /** Index of the step that takes time and may fail, where it is not the first; null where every step ends at once. */
  watchedStep?: number | null
  /** How the reason reads when that step fails, where it differs from the provider's usual one. */
  failure?: string
  /** Makes a step write that otherwise has nothing to do. Called before the steps that lead to it. */
  arrange?(simulator: Simulator, step: number): void
}

export interface ProviderExample {
  start(options: StartOptions): Promise<Simulator>
  operations: Readonly<Record<string, OperationExample>>
  /** What a picker needs to know, and `isFixed` where its list does not grow with the simulator's `count`. */
  pickers?: Readonly<Record<string, { values?: (pick: Pick) => Promise<Record<string, string>>; isFixed?: true }>>
  /** Values of the simulator's connection that nobody may ever read. Default: its token. */
  secrets?(connection: Simulator['connection']): string[]
  /** How a failed job's reason reads with the switch `fail-next`. */
  failure: string
  many: ManyJobs
}

/** Many live jobs of one operation: what polling them is measured with. */
export interface ManyJobs {
  operation: string
  /** The answers of its form that the later steps ask for. */
  params?: Readonly<Record<string, unknown>>
  /** The refs of as many live jobs, each of a thing of its own that the simulator's `count` added. */
  refs(provider: Provider, api: Api, count: number): Promise<Ref[]>
  /** How many calls one poll of so many jobs takes: as few as the provider's API allows. */
  calls(count: number): number
  /** The same for one poll of so many deletions, for each step of the removal that these refs go through. Default: `calls`. */
  removalCalls?(count: number): readonly number[]
  /** What one of these calls reads: "pages of a hundred containers". */
  call: string
}

/** Whether an option is one of those that a simulator's `count` adds: their names end with four digits. */
export const isExtra = ({ label }: { label: string }) => /-\d{4}( |$)/.test(label)
