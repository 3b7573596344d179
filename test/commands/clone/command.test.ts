import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseCommand } from '../../../src/commands/clone/command.js'
import { helpText } from '../../../src/commands/clone/help.js'
import * as providers from '../../../src/providers/index.js'
import type { Connection } from '../../../src/providers/provider.js'
import { fieldsOf } from '../../../src/slack/form/fields.js'
import { dummyConnection, dummyWorld } from '../../helpers/dummy-provider.js'

const two = new Map(['dummy-one', 'dummy-two'].map((name) => [name, dummyConnection(dummyWorld(), name)]))
const one = new Map([...two].slice(0, 1))

/** A connection whose `clone` asks for these fields as well. */
function asking(name: string, more: z.ZodRawShape): Connection {
  const connection = dummyConnection(dummyWorld(), name)
  const { clone, blind } = connection.provider.operations
  if (!clone || !blind) throw new Error('The dummy lost its operations.')
  const operations = { clone: { ...clone, fields: clone.fields.extend(more) }, blind }
  return { ...connection, provider: { ...connection.provider, operations } }
}
const mode = z.enum(['fast', 'careful']).meta({ title: 'Mode', valueTitles: { careful: 'With care' } })
const rich = asking('rich', { mode, size: z.int().default(1).meta({ title: 'Size' }) })
const mixed = new Map([...two, ['rich', rich]])

function names(request: ReturnType<typeof parseCommand>): string[] {
  return request.kind === 'choose' ? request.connections.map(({ name }) => name) : []
}

describe('the text behind /clone-app', () => {
  it('may be empty: everything is offered', () => {
    expect(names(parseCommand('', two))).toEqual(['dummy-one', 'dummy-two'])
    expect(names(parseCommand('  ', one))).toEqual(['dummy-one'])
  })

  it('may ask for help', () => {
    const all = { kind: 'help', connections: [...two.values()] }
    expect(parseCommand('help', two)).toEqual(all)
    expect(parseCommand('HELP', two)).toEqual(all)
  })

  it.each(['dummy-two help', 'Dummy-Two HELP', 'help dummy-two'])(
    'may ask for help with one connection: %s',
    (text) => {
      expect(parseCommand(text, two)).toEqual({ kind: 'help', connections: [two.get('dummy-two')] })
    },
  )

  it('may ask for help with one operation, but not with an unknown word', () => {
    expect(parseCommand('help blind', two)).toEqual({
      kind: 'help',
      connections: [...two.values()],
      operation: 'blind',
    })
    expect(() => parseCommand('help foo', two)).toThrow(
      `There's no command, connection or operation "foo". Type /clone-app help to see all commands.`,
    )
    expect(() => parseCommand('help dumy-two', two)).toThrow(
      `There's no command, connection or operation "dumy-two". Did you mean "dummy-two"?`,
    )
  })

  it('may be written large', () => {
    expect(parseCommand('Dummy-Two Clone', two)).toMatchObject({ connection: 'dummy-two', operation: 'clone' })
  })

  it.each([
    ['name = copy deploy= yes', { name: 'copy', deploy: 'yes' }],
    ['name =copy', { name: 'copy' }],
    ['name = “two words” deploy=no', { name: 'two words', deploy: 'no' }],
    ['name= deploy=on', { name: '', deploy: 'on' }],
    ['name=a=b', { name: 'a=b' }],
    ['name=', { name: '' }],
  ])('may have blanks around the equals sign: %s', (text, values) => {
    expect(parseCommand(`dummy-two clone ${text}`, two)).toMatchObject({ operation: 'clone', values })
  })

  it.each([
    ['\u200bdummy-two clone', {}],
    ['dummy-two\u00ad clone\u200e', {}],
    ['dum\u200bmy-two cl\u00adone', {}],
    ['\ufeffdummy-two clone —name=x', { name: 'x' }],
    ['dummy-two clone Name=x DEPLOY=yes', { name: 'x', deploy: 'yes' }],
    ['dummy-two clone name=„shop two“', { name: 'shop two' }],
    ['dummy-two clone name=‘shop two’ deploy=‘Yes’', { name: 'shop two', deploy: 'yes' }],
    ['dummy-two clone name=«shop two»', { name: 'shop two' }],
    ['dummy-two clone na\u200bme＝x', { name: 'x' }],
  ])('is read as people see it: %j', (text, values) => {
    expect(parseCommand(text, two)).toEqual({ kind: 'form', connection: 'dummy-two', operation: 'clone', values })
  })

  it('names the field as it is called in a refusal, whatever the case', () => {
    expect(() => parseCommand('rich clone MODE=wrong', mixed)).toThrow(
      `mode can't be "wrong". Write one of fast, careful.`,
    )
  })

  it('loses no advice behind a long word', () => {
    const long = 'x'.repeat(1_300)
    for (const text of [
      long,
      `dummy-one ${long}`,
      `help ${long}`,
      `dummy-one clone ${long}=x`,
      `rich clone mode=${long}`,
    ]) {
      expect(() => parseCommand(text, mixed)).toThrow(/^.{1,200}$/)
      expect(() => parseCommand(text, mixed)).toThrow(
        /x…x{26}"[^x]*\. .*(Type \/clone-app help|It has clone and|Its fields are name|Write one of fast)/,
      )
    }
  })

  it('keeps its fields where the connection must still be chosen', () => {
    const request = parseCommand('clone name=copy', two)
    expect(names(request)).toEqual(['dummy-one', 'dummy-two'])
    expect(request).toMatchObject({ operation: 'clone', values: { name: 'copy' } })
  })

  it('leaves out the connections that its fields do not fit', () => {
    expect(parseCommand('clone mode=fast', mixed)).toMatchObject({ connection: 'rich', values: { mode: 'fast' } })
  })

  it('may name a choice by its title, in capitals or not', () => {
    expect(parseCommand('rich clone mode="with CARE"', mixed)).toMatchObject({ values: { mode: 'careful' } })
  })

  it('may name connection, operation and fields, with quotes of any kind around several words', () => {
    expect(parseCommand('dummy-two clone name=copy deploy="yes"', two)).toEqual({
      kind: 'form',
      connection: 'dummy-two',
      operation: 'clone',
      values: { name: 'copy', deploy: 'yes' },
    })
    expect(parseCommand('dummy-two clone name=“two words”', two)).toMatchObject({ values: { name: 'two words' } })
  })

  it('may ask for help behind what it names', () => {
    for (const text of ['dummy-two help', 'help dummy-two', 'dummy-two clone help', 'dummy-two clone HELP']) {
      expect(parseCommand(text, two), text).toMatchObject({ kind: 'help', connections: [{ name: 'dummy-two' }] })
    }
  })

  it('may leave out what has only one answer', () => {
    expect(parseCommand('clone', one)).toMatchObject({ kind: 'form', connection: 'dummy-one', operation: 'clone' })
    expect(names(parseCommand('clone', two))).toEqual(['dummy-one', 'dummy-two'])
    expect(names(parseCommand('dummy-two', two))).toEqual(['dummy-two'])
  })

  it('is understood by what this person may use; what is for others is refused by its name', () => {
    const [both] = two.values()
    if (!both) throw new Error('There is no connection.')
    const { clone } = both.provider.operations
    const provider = { ...both.provider, operations: clone ? { clone } : {} }
    const mine = new Map([[both.name, { ...both, provider }]])
    const refused = (text: string) => parseCommand(text, mine, two)
    expect(refused('dummy-two')).toEqual({ kind: 'refused', act: 'use dummy-two' })
    expect(refused('dummy-two clone name=x')).toEqual({ kind: 'refused', act: 'use dummy-two' })
    expect(refused('dummy-one blind')).toEqual({ kind: 'refused', act: 'run blind on dummy-one' })
    expect(refused('help blind')).toEqual({ kind: 'refused', act: 'run blind on any connection' })
    expect(refused('blind')).toEqual({ kind: 'refused', act: 'run blind on any connection' })
    expect(refused('')).toMatchObject({ kind: 'form', connection: 'dummy-one', operation: 'clone' })
    expect(() => refused('dummy-tw')).toThrow('Did you mean "dummy-one"?')
  })

  it.each([
    ['dumy-one clone name=x', '/clone-app dummy-one clone name=x'],
    ['dummy-one clown', '/clone-app dummy-one clone'],
    ['stauts k7f3q', '/clone-app status k7f3q'],
    [`hlep ${'x'.repeat(300)}`, '/clone-app help'],
    ['xylophone-42', undefined],
  ])('is answered with what to type instead of "%s"', (text, instead) => {
    const told = () => parseCommand(text, mixed)
    expect(told).toThrow(expect.objectContaining({ instead }))
  })

  it.each([
    ['dumy-one clone', `There's no command, connection or operation "dumy-one". Did you mean "dummy-one"?`],
    ['dummy-one clown', 'dummy-one has no operation "clown". Did you mean "clone"? It has clone and blind.'],
    ['hlep', `There's no command, connection or operation "hlep". Did you mean "help"?`],
    ['xylophone-42', `There's no command, connection or operation "xylophone-42". Type /clone-app help`],
    ['dummy-one clone nmae=x', 'clone has no field "nmae". Did you mean "name"? Its fields are name, deploy.'],
    ['dummy-one clone extra', '"extra" needs a field name: leave it out and fill in the form.'],
    ['dummy-one clone name=one name=two', 'name appears twice. Write it once, with commas between several values.'],
    ['name=x', 'Put the connection and the operation before the fields'],
    ['rich clone mode=WRONG', `mode can't be "WRONG". Write one of fast, careful.`],
    ['rich clone mode=fats', 'Write one of fast, careful. Did you mean "fast"?'],
    ['rich clone deploy=maybe', `deploy can't be "maybe". Write yes or no.`],
    ['rich clone size=many', `size can't be "many". Write a whole number.`],
    ['clone deploy=maybe', `deploy can't be "maybe".`],
    ['rich clone deploy=maybe mode=no', `deploy can't be "maybe". Write yes or no. mode can't`],
    ['dummy-one clone name="two words', 'The quote before "two words" is never closed'],
  ])('answers "%s" with the nearest match', (text, sentence) => {
    expect(() => parseCommand(text, mixed)).toThrow(sentence)
  })
})

describe('the help', () => {
  it('says of each operation of one connection which fields it has and which are required', () => {
    const text = helpText([rich])
    expect(text).toContain('• `/clone-app rich clone` – Clone a thing (Dummy)\n      `name=` Name (required)\n')
    expect(text).toContain('`deploy=` Deploy\n')
    expect(text).toContain('`mode=` Mode (required)\n')
    expect(text).toMatch(/`size=` Size\n• `\/clone-app rich blind`/)
  })

  it('can be that of one operation alone', () => {
    const text = helpText([rich], 'clone')
    expect(text).toContain('`/clone-app rich clone`')
    expect(text).not.toContain('rich blind')
    expect(helpText([...two.values()], 'blind')).toContain('• Dummy: `/clone-app dummy-one blind`\n')
  })

  it('has one line for each connection where there are several, and says where more stands', () => {
    const text = helpText([...mixed.values()])
    expect(text.split('\n').filter((line) => line.startsWith('• '))).toEqual([
      '• Dummy: `/clone-app dummy-one clone`, `/clone-app dummy-one blind`',
      '• Dummy: `/clone-app dummy-two clone`, `/clone-app dummy-two blind`',
      '• Dummy: `/clone-app rich clone`, `/clone-app rich blind`',
    ])
    expect(text).not.toContain('`name=`')
    expect(text).toContain('To see the fields of a connection, type `/clone-app help dummy-one`.')
  })

  const named = (count: number) =>
    Array.from({ length: count }, (_, at) => asking(`connection-${at}`.padEnd(40, 'x'), { mode }))

  it('of twenty connections has all of them', () => {
    const text = helpText(named(20))
    for (const { name } of named(20)) expect(text).toContain(`\`/clone-app ${name} blind\``)
    expect(text).not.toContain('…')
    expect(text.length).toBeLessThanOrEqual(4_000)
  })

  it.each([30, 100, 500])(
    'of %i connections is cut between lines, and says how many more there are and where',
    (count) => {
      const lines = helpText(named(count)).split('\n')
      const shown = lines.filter((line) => /^• Dummy: `.* clone`, `.* blind`$/.test(line)).length
      expect(shown).toBeGreaterThan(15)
      expect(lines.at(-1)).toBe(`…and ${count - shown} more connections. \`/clone-app\` lists them all.`)
      expect(lines.join('\n').length).toBeLessThanOrEqual(4_000)
    },
  )

  it('of one connection with very many fields is cut between lines as well', () => {
    const fields = Array.from({ length: 90 }, (_, at) => [
      `field-${at}`.padEnd(60, 'x'),
      z.string().meta({ title: 'A' }),
    ])
    const lines = helpText([asking('wide', Object.fromEntries(fields))]).split('\n')
    expect(lines.at(-1)).toMatch(/^…and \d+ more lines\. The form shows all fields\.$/)
    expect(lines.at(-2)).toMatch(/^ {6}`field-\d+x+=` A \(required\)$/)
    expect(lines.join('\n').length).toBeLessThanOrEqual(4_000)
  })

  it.each(Object.values(providers))('of $name fits into one message', (provider) => {
    const name = provider.id.padEnd(40, 'x')
    const text = helpText([{ ...dummyConnection(dummyWorld(), name), provider }])
    expect(text).not.toMatch(/…$/)
    for (const { key } of Object.values(provider.operations).flatMap((operation) => fieldsOf(operation)))
      expect(text).toContain(`\`${key}=\``)
  })
})
