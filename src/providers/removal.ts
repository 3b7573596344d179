/** Deleting what a job made: the parts that the providers share. */
import { isNotFound, UserError } from '../errors.js'
import { type Lookup, lookUpEach } from './lookup.js'
import type { Api, Attempt, Ended, Observation, RemovalStep } from './provider.js'

/** What can't be found is not always gone: providers hide in the same way what a token may not see. */
export const ALREADY_GONE = 'It was already gone, or this connection can no longer see it.'

/** One thing that can be deleted with one write. */
export interface Removable<R, T> {
  /** What it is called: "container". */
  noun: string
  /** Default `remove`. */
  id?: string
  absentAfterMs?: number
  /** The thing as it is now. Null only if the provider says that there is none: a failed read is an error. */
  read(api: Api, ref: R): Promise<T | null>
  /** Whether it is the very thing that the job made. Asked before every write. */
  isOurs(thing: T, ref: R): boolean
  /** Whether its deletion is under way, no matter who began it. */
  isDeleting(thing: T, ref: R): boolean
  /** The one write. An answer of 404 is fine: somebody else was faster. */
  send(api: Api, ref: R, thing: T, attempt: Attempt): Promise<unknown>
  /** What the polls must know of the thing as it was before the write. Default: the ref of the job that made it. */
  keep?(ref: R, thing: T): R
  check: RemovalStep<R>['check']
}

/** A step that deletes one thing of its job, and nothing else that may have its name or number by now. */
export function removalStep<R, T>(one: Removable<R, T>): RemovalStep<R> {
  const { noun, id = 'remove', absentAfterMs, read, isOurs, isDeleting, send, keep = (ref: R) => ref, check } = one
  return {
    id,
    title: `Delete the ${noun}`,
    doing: `Deleting the ${noun}`,
    ...(absentAfterMs !== undefined && { absentAfterMs }),
    async run(api, _params, ref, attempt) {
      const thing = await read(api, ref)
      if (thing === null) return removed(ref, ALREADY_GONE)
      if (!isOurs(thing, ref)) throw new UserError(`Nothing was deleted: this ${noun} isn't the one that the job made.`)
      if (isDeleting(thing, ref)) return keep(ref, thing)
      try {
        await send(api, ref, thing, attempt)
      } catch (error) {
        if (!isNotFound(error)) throw error
        return removed(ref, ALREADY_GONE)
      }
      return keep(ref, thing)
    },
    async find(api, _params, ref) {
      const thing = await read(api, ref)
      if (thing === null) return removed(ref)
      return isOurs(thing, ref) && isDeleting(thing, ref) ? keep(ref, thing) : null
    },
    check,
  }
}

/** The end of a removal's step. */
export function removed<R>(ref: R, detail?: string): Ended<R> {
  return { ref, ended: 'done', ...(detail && { detail }) }
}

/**
 * The `check` of a removal where one list shows all or most things. What isn't listed is read by itself: only that says that it
 * is gone.
 *
 * @param lookup lists and reads the things of these refs.
 * @param stateOf the state of a thing that is still there, in the provider's words; null for one that is only listed.
 */
export function checkGone<R, T>(
  idOf: (ref: R) => string,
  lookup: (api: Api, refs: readonly R[]) => Lookup<T>,
  stateOf: (thing: T) => string | null,
): RemovalStep<R>['check'] {
  return (api, refs) =>
    lookUpEach(refs, idOf, lookup(api, refs), (_ref, thing): Observation<R> => {
      const state = thing && stateOf(thing)
      return state === null ? { phase: 'done' } : { phase: 'working', detail: state }
    })
}
