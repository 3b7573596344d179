/** Tables and columns are snake_case in the database and camelCase in the code. */
import { CamelCasePlugin, type PluginTransformQueryArgs, type RootOperationNode } from 'kysely'

/** A name as the database has it. Query compilers apply it as they write SQL. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Converts column names in results only. Kysely's plugin also rewrites every query tree, which takes longer than compiling it. */
export class CamelCaseRowsPlugin extends CamelCasePlugin {
  override transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node
  }
}
