/** `dolly demo`: the sandbox, which is built for the package and is no part of the bot. */
import { existsSync } from 'node:fs'

/** Beside the built bot. */
const PROGRAM = new URL('demo.mjs', import.meta.url)

/** Runs the demo until somebody stops it. */
export async function run([port]: readonly string[], flags: ReadonlySet<string>): Promise<number> {
  if (!existsSync(PROGRAM)) {
    process.stderr.write(
      'The demo isn\'t built here. In a clone of the repository, "npm run demo" builds and starts it.\n',
    )
    return 1
  }
  const program: { runDemo(port: string | undefined, isEmpty: boolean): Promise<number> } = await import(PROGRAM.href)
  return await program.runDemo(port, flags.has('empty'))
}
