/** YAML → the mapping in a file, with the line of each of its parts, and a sentence for whatever is no YAML. */
import { type Document, isMap, isNode, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import { isRecord } from '../lib/record.js'

interface ParsedFile {
  content: Record<string, unknown>
  /** Where a key stands, to be put behind its name: " (line 7)". Empty where nothing of it is in the file. */
  lineOf(path: readonly string[]): string
}

const QUOTE_STAR = 'a value that begins with * needs quotes, as in may: "*" (YAML aliases are not supported)'
const QUOTE_REFERENCE = `between { and } a reference needs quotes, as in token: "\${NAME}"`

/**
 * The file's mapping and where its parts stand, or undefined after a problem. Library messages that quote the file are
 * cut: it may hold secrets.
 */
export function parseFile(file: string, read: (path: string) => string, problems: string[]): ParsedFile | undefined {
  let text: string
  try {
    text = read(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown error'
    problems.push(
      code === 'ENOENT'
        ? `${file} doesn't exist; run "dolly init" to write a dolly.yml here, or set DOLLY_CONFIG to the path of yours.`
        : `${file} can't be read (${code}); let Dolly's user read it, or set DOLLY_CONFIG to the path of your own.`,
    )
    return undefined
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const faults = [...document.errors, ...document.warnings].map(({ code, message, pos: [offset] }) => {
    if (code === 'BAD_ALIAS') return { offset, message: QUOTE_STAR }
    const isReference = text.slice(offset - 1, offset + 1) === '${'
    return { offset, message: isReference ? QUOTE_REFERENCE : message.replace(/(?<=\w): .*| \\.*/s, '') }
  })
  visit(document, {
    Alias(_, { range }) {
      faults.push({ offset: range?.[0] ?? 0, message: QUOTE_STAR })
    },
  })
  // One mistake often upsets the rest of its line, so only the first fault of a line is reported.
  const byLine = new Map(faults.reverse().map((fault) => [lines.linePos(fault.offset).line, fault]))
  for (const { offset, message } of [...byLine.values()].reverse()) {
    const { line, col } = lines.linePos(offset)
    problems.push(`${file}, line ${line}, column ${col} is not valid YAML: ${message}.`)
  }
  if (faults.length > 0) return undefined
  const content: unknown = document.toJS() ?? {}
  if (isRecord(content)) return { content, lineOf: (path) => lineOf(document, lines, path) }
  problems.push(`${file} must be a mapping with the keys "connections" and "access", as dolly.example.yml shows.`)
  return undefined
}

/** The line of a key, or of the nearest thing around it that is in the file. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly string[]): string {
  let offset: number | undefined
  let node: unknown = document.contents
  for (const key of path) {
    const pair = isMap(node) ? node.items.find((item) => String(item.key) === key) : undefined
    const found: unknown = pair?.key ?? (isSeq(node) ? node.items[Number(key)] : undefined)
    if (!isNode(found)) break
    offset = found.range?.[0]
    node = pair ? pair.value : found
  }
  return offset === undefined ? '' : ` (line ${lines.linePos(offset).line})`
}
