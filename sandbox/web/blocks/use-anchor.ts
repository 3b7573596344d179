/** Where the list of a box floats, so that no scrolling parent cuts it off. */
import { type CSSProperties, type RefObject, useLayoutEffect, useState } from 'react'

const GAP = 4
const MAX_HEIGHT_PX = 300

/** A fixed position under the box, or above it where there is more room; follows scrolling while open. */
export function useAnchor(box: RefObject<HTMLElement | null>, isOpen: boolean): CSSProperties {
  const [place, setPlace] = useState<CSSProperties>({})

  useLayoutEffect(() => {
    const element = box.current
    if (!isOpen || !element) return
    const measure = () => {
      const { top, bottom, left, width } = element.getBoundingClientRect()
      const below = window.innerHeight - bottom - 2 * GAP
      const above = top - 2 * GAP
      const isBelow = below >= Math.min(MAX_HEIGHT_PX, above)
      setPlace({
        left,
        width,
        maxHeight: Math.min(MAX_HEIGHT_PX, isBelow ? below : above),
        ...(isBelow ? { top: bottom + GAP } : { bottom: window.innerHeight - top + GAP }),
      })
    }
    measure()
    // A box with several choices grows while its list is open.
    const grown = new ResizeObserver(measure)
    grown.observe(element)
    window.addEventListener('scroll', measure, true)
    window.addEventListener('resize', measure)
    return () => {
      grown.disconnect()
      window.removeEventListener('scroll', measure, true)
      window.removeEventListener('resize', measure)
    }
  }, [box, isOpen])

  return place
}
