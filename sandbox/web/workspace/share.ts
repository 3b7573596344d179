/** Structural sharing: what did not change between two snapshots stays the same object, so React can skip it. */
import { isRecord } from './api.js'

/** A value equal to `next` that reuses every equal part of `old`. Both are plain JSON. */
export function share<T>(old: unknown, next: T): T {
  if (old === next) return next
  if (Array.isArray(old) && Array.isArray(next)) {
    const parts = next.map((part: unknown, index) => share(old[index], part))
    const isSame = old.length === parts.length && parts.every((part, index) => part === old[index])
    return (isSame ? old : parts) as T
  }
  if (isRecord(old) && isRecord(next)) {
    const parts = Object.entries(next).map(([key, part]) => [key, share(old[key], part)] as const)
    const isSame =
      Object.keys(old).length === parts.length && parts.every(([key, part]) => key in old && part === old[key])
    return (isSame ? old : Object.fromEntries(parts)) as T
  }
  return next
}
