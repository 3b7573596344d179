/** Where the files of this package are. */

/** The address of a file beside package.json. The folder above this one is that of the package, in src and in dist. */
export function packageFile(name: string): URL {
  return new URL(`../${name}`, import.meta.url)
}
