/** The lines of an open list: all of a fixed one that match, or what the app answers to what was typed. */
import { useEffect, useMemo, useState } from 'react'
import { sentenceOf } from '../workspace/api.js'
import type { Surface } from './surface.js'
import type { OptionGroup } from './types.js'

/** Waits this long after the last key before it asks the app. */
const REST_MS = 200

export interface Lines {
  groups: readonly OptionGroup[]
  /** A sentence in place of lines: waiting, failing, nothing found. */
  note: string | null
  isLoading: boolean
  query: string
  setQuery(query: string): void
  /** Call when the list opens and closes; a closed list sends no requests. */
  setOpen(isOpen: boolean): void
}

export function useFixedLines(all: readonly OptionGroup[]): Lines {
  const [query, setQuery] = useState('')
  const groups = useMemo(() => {
    const wanted = query.trim().toLowerCase()
    const matching = all.map(({ label, options }) => ({
      label,
      options: options.filter(({ text }) => text.text.toLowerCase().includes(wanted)),
    }))
    return matching.filter(({ options }) => options.length > 0)
  }, [all, query])
  return {
    groups,
    note: groups.length === 0 ? 'No results' : null,
    isLoading: false,
    query,
    setQuery,
    setOpen: () => {},
  }
}

type Answer = { query: string; groups: readonly OptionGroup[]; problem: string | null }

export function useRemoteLines(
  blockId: string,
  actionId: string,
  minQueryLength: number,
  load: Surface['loadOptions'],
): Lines {
  const [query, setQuery] = useState('')
  const [isOpen, setOpen] = useState(false)
  const [answer, setAnswer] = useState<Answer | null>(null)
  const missing = minQueryLength - query.trim().length
  const mustAsk = isOpen && missing <= 0

  useEffect(() => {
    if (!mustAsk) return
    const stop = new AbortController()
    const ask = () =>
      load(blockId, actionId, query, stop.signal)
        .then((groups) => setAnswer({ query, groups, problem: null }))
        .catch((error: unknown) => {
          if (!stop.signal.aborted) setAnswer({ query, groups: [], problem: sentenceOf(error) })
        })
    // Opening the list asks the app at once; only typing waits.
    const timer = setTimeout(ask, query === '' ? 0 : REST_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [mustAsk, blockId, actionId, query, load])

  function open(next: boolean) {
    setOpen(next)
    // The app may answer differently next time, when other fields have changed.
    if (!next) setAnswer(null)
  }

  const isLoading = mustAsk && answer?.query !== query
  // Lines of the last query go at once, so that people can't choose from the answer to another query.
  const current = missing > 0 || isLoading ? [] : (answer?.groups ?? [])
  const groups = current.filter(({ options }) => options.length > 0)
  return { groups, note: noteOf(), isLoading, query, setQuery, setOpen: open }

  function noteOf(): string | null {
    if (missing > 0)
      return missing === 1 ? 'Type one more character to search' : `Type ${missing} more characters to search`
    if (groups.length > 0) return null
    return isLoading ? 'Loading…' : (answer?.problem ?? 'No results')
  }
}
