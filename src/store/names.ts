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
 * Rows as objects. The drivers' own are slower with as many columns as jobs have, and their names would have to be changed in a
 * copy of each.
 *
 * @param names of the columns, in camelCase.
 */
export function toRows<R>(names: readonly string[], rows: readonly (readonly unknown[])[]): R[] {
  return rows.map((values) => {
    const row: Record<string, unknown> = {}
    for (const [at, name] of names.entries()) row[name] = values[at]
    return row as R
  })
}
