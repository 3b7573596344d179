/** A link: to a message of this workspace inside the page, to anywhere else in a tab of its own. */
import type { ReactNode } from 'react'
import { useWorkspace } from './context.js'
import { parsePermalink } from './permalink.js'

interface LinkProps {
  href: string
  className?: string
  children: ReactNode
}

export function Link({ href, className = 'link', children }: LinkProps) {
  const { open } = useWorkspace()
  const permalink = parsePermalink(href)
  if (!permalink) {
    return (
      <a href={href} className={className} target="_blank" rel="noreferrer">
        {children}
      </a>
    )
  }
  return (
    <a
      href={href}
      className={className}
      onClick={(event) => {
        event.preventDefault()
        open(permalink)
      }}
    >
      {children}
    </a>
  )
}
