import { readdirSync, readFileSync } from 'node:fs'
import { defineConfig, type Plugin } from 'rolldown'

const own: { dependencies: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The dependencies of package.json: native, so they are loaded as they were installed. */
export const external = Object.keys(own.dependencies).map((name) => new RegExp(`^${name}(/|$)`))

/**
 * Leaves out Bolt's own receivers, and with them Express, OAuth and a body parser: more code than the bot itself. Our receivers are in
 * src/slack/transport. test/e2e/package.test.ts notices if Bolt moves them.
 */
const withoutReceivers: Plugin = {
  name: 'without-receivers',
  load: {
    filter: { id: /\/node_modules\/(@slack\/bolt\/dist\/receivers\/\w+Receiver\.js|@slack\/oauth\/|raw-body\/)/ },
    handler: () => 'module.exports = {}',
  },
}

/** Writes the licences of the packages that are in a bundle to a file beside it: nobody installs these packages. */
export function licences(fileName: string): Plugin {
  return {
    name: 'licences',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []))
      const folders = modules.flatMap((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
      const source = [...new Set(folders)].sort().map(licenceOf).join('\n')
      this.emitFile({ type: 'asset', fileName, source })
    },
  }
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const read = (name: RegExp) => {
    const file = readdirSync(folder).find((entry) => name.test(entry))
    return file === undefined ? '' : readFileSync(`${folder}/${file}`, 'utf8')
  }
  // Some packages have it only at the end of their readme.
  const licence = read(/^licen[cs]e/i) || /^#+ licen[cs]e.*/ims.exec(read(/^readme/i))?.[0]
  if (!licence) throw new Error(`${name} is in the bundle and has no licence to go with it.`)
  return `${name} ${version} (${license})\n\n${licence.trim()}\n`
}

/**
 * Bundles the bot into a few files: Node starts it twice as fast as hundreds of modules. Each command is a file of its own, which
 * is loaded when it's called.
 */
export default defineConfig({
  input: 'src/cli.ts',
  platform: 'node',
  // It would look for one that the Docker image doesn't have.
  tsconfig: false,
  external,
  plugins: [withoutReceivers, licences('cli.LICENSES.txt')],
  output: { dir: 'dist', cleanDir: true, sourcemap: true },
})
