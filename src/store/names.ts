/** Columns are snake_case in the database and camelCase in the code. */
import { CamelCasePlugin, type PluginTransformQueryArgs, type RootOperationNode } from 'kysely'

/** The name of a table or a column as the database has it. The query compilers spell it while they write the query. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Spells the columns of rows that were read. Kysely's own plugin copies every query as well, which takes longer than to compile it. */
export class CamelCaseRows extends CamelCasePlugin {
  override transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node
  }
}
