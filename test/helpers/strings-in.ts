/** The strings that stand in TypeScript code, with `…` in place of what is filled in. */
import { parseSync } from 'vite'

/** Of each string its text, one line each, in order. Strings that are imported from, types and tagged templates are left out. */
export function stringsIn(code: string, file: string): string[] {
  const { program, errors } = parseSync(file, code, { lang: 'ts' })
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const found: string[] = []
  visit(program, found)
  return found.map((text) => text.replaceAll(/\s*\n\s*/g, ' ⏎ ').trim()).filter(Boolean)
}

function visit(node: unknown, found: string[]): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child, found)
    return
  }
  if (typeof node !== 'object' || node === null || !('type' in node)) return
  const { type } = node
  if (type === 'ImportDeclaration' || type === 'TaggedTemplateExpression' || String(type).startsWith('TS')) {
    // `x as T` and `x satisfies T` wrap an expression.
    if ('expression' in node) visit(node.expression, found)
    return
  }
  if (type === 'Literal' && 'value' in node && typeof node.value === 'string') found.push(node.value)
  if (type === 'TemplateLiteral' && 'quasis' in node && Array.isArray(node.quasis)) {
    found.push(node.quasis.map((quasi: { value: { cooked: string } }) => quasi.value.cooked).join('…'))
  }
  for (const child of Object.values(node)) visit(child, found)
}
