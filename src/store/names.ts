/** Tables and columns are snake_case in the database and camelCase in the code. */

/** A name as the database has it. Query compilers apply it as they write SQL. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A name as the code has it. */
export function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * Makes objects of rows that a driver returned as lists of values. This is faster than taking the driver's own objects, which
 * would have to be copied to rename their columns.
 *
 * @param columns their names in camelCase, in the order of the values.
 */
export function toRows<R>(columns: readonly string[], rows: readonly (readonly unknown[])[]): R[] {
  return rows.map((values) => {
    const row: Record<string, unknown> = {}
    for (const [at, name] of columns.entries()) row[name] = values[at]
    return row as R
  })
}
