import { describe, expect, it } from 'vitest'
import { readRequest } from '../../src/commands/clone-app.js'
import { dummyConnection, dummyWorld } from '../helpers/dummy-provider.js'

const two = new Map(['dummy-one', 'dummy-two'].map((name) => [name, dummyConnection(dummyWorld(), name)]))
const one = new Map([...two].slice(0, 1))

function names(request: ReturnType<typeof readRequest>): string[] {
  return request.kind === 'choose' ? request.connections.map(({ name }) => name) : []
}

describe('the text behind /clone-app', () => {
  it('may be empty: everything is offered', () => {
    expect(names(readRequest('', two))).toEqual(['dummy-one', 'dummy-two'])
    expect(names(readRequest('  ', one))).toEqual(['dummy-one'])
  })

  it('may ask for help', () => {
    expect(readRequest('help', two)).toEqual({ kind: 'help' })
    expect(readRequest('HELP me', two)).toEqual({ kind: 'help' })
  })

  it('may name connection, operation and fields, with quotes of any kind around several words', () => {
    expect(readRequest('dummy-two clone name=copy deploy="yes"', two)).toEqual({
      kind: 'form',
      connection: 'dummy-two',
      operation: 'clone',
      values: { name: 'copy', deploy: 'yes' },
    })
    expect(readRequest('dummy-two clone name=“two words”', two)).toMatchObject({ values: { name: 'two words' } })
  })

  it('may leave out what has only one answer', () => {
    expect(readRequest('clone', one)).toMatchObject({ kind: 'form', connection: 'dummy-one', operation: 'clone' })
    expect(names(readRequest('clone', two))).toEqual(['dummy-one', 'dummy-two'])
    expect(names(readRequest('dummy-two', two))).toEqual(['dummy-two'])
  })

  it('is understood by what this person may use; what is for others is refused by its name', () => {
    const [both] = two.values()
    if (!both) throw new Error('There is no connection.')
    const { clone } = both.provider.operations
    const provider = { ...both.provider, operations: clone ? { clone } : {} }
    const mine = new Map([[both.name, { ...both, provider }]])
    const refused = (text: string) => readRequest(text, mine, two)
    expect(refused('dummy-two')).toEqual({ kind: 'refused', act: 'use dummy-two' })
    expect(refused('dummy-two clone name=x')).toEqual({ kind: 'refused', act: 'use dummy-two' })
    expect(refused('dummy-one blind')).toEqual({ kind: 'refused', act: 'blind on dummy-one' })
    expect(refused('blind')).toEqual({ kind: 'refused', act: 'blind on any connection' })
    expect(refused('')).toMatchObject({ kind: 'form', connection: 'dummy-one', operation: 'clone' })
    expect(() => refused('dummy-tw')).toThrow('Did you mean "dummy-one"?')
  })

  it.each([
    ['dumy-one clone', 'I do not know "dumy-one". Did you mean "dummy-one"?'],
    ['dummy-one clown', 'I do not know "clown". Did you mean "clone"?'],
    ['hlep', 'I do not know "hlep". Did you mean "help"?'],
    ['xylophone-42', 'I do not know "xylophone-42". /clone-app help'],
    ['dummy-one clone nmae=x', 'clone has no field "nmae". Did you mean "name"? It has name, deploy.'],
    ['dummy-one clone extra', 'I do not know "extra".'],
    ['name=x', 'Say first where and what'],
  ])('answers "%s" with the nearest match', (text, sentence) => {
    expect(() => readRequest(text, two)).toThrow(sentence)
  })
})
