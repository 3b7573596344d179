/**
 * A list in a statement, brought to a power of two by repeating its last item, so that only few lengths of the statement stay
 * prepared. For statements to which a repeated item means nothing.
 */
export function padded<T>(items: readonly T[]): T[] {
  const length = items.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(items.length))
  return [...items, ...items.slice(-1).flatMap((last) => Array<T>(length - items.length).fill(last))]
}
