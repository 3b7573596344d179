/** Resolves to undefined when the promise takes longer than `ms` milliseconds. The promise itself goes on. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return await Promise.race([promise, timeout]).finally(() => clearTimeout(timer))
}
