// The same decisions in three shells: where on the tree one is, and which words may come there.
import type { Place } from './tree.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, places: readonly Place[]): string {
  return { bash, zsh, fish }[shell](places);
}

/** Words of the catalogue and of commander: letters, digits, dots and dashes. Anything else would be shell. */
const safe = (words: readonly string[]): string => words.filter((word) => /^[\w.-]+$/.test(word)).join(' ');

/** Patterns of a `case`, and the words that they all lead to. */
interface Arm {
  readonly patterns: readonly string[];
  readonly words: string;
}

/** What a word in front of the cursor decides, and what only the place does. */
function decisions(places: readonly Place[]) {
  const values = places.flatMap(({ at, values: all }) =>
    all.map(({ option, words }) => [`${at} ${option}`, words] as const),
  );
  const here = places.map(({ at, words }) => [at, words] as const);
  return { steps: places.slice(1).map(({ at }) => `'${at}'`), values: armsOf(values), here: armsOf(here) };
}

function armsOf(decided: readonly (readonly [pattern: string, words: readonly string[]])[]): Arm[] {
  const byWords = Map.groupBy(decided, ([, words]) => safe(words));
  return [...byWords].map(([words, same]) => ({ words, patterns: same.map(([pattern]) => `'${pattern}'`) }));
}

/** `case` as bash and zsh have it. */
function cases(places: readonly Place[]): string {
  const { steps, values, here } = decisions(places);
  const arms = (of: readonly Arm[]) =>
    of.map(({ patterns, words }) => `    ${patterns.join('|')}) found='${words}';;`).join('\n');
  return `  for word in "\${before[@]}"; do
    case "$at $word" in
      ${steps.join('|')}) at="$at $word";;
    esac
    last=$word
  done
  case "$at $last" in
${arms(values)}
    *) case "$at" in
${arms(here)}
    esac;;
  esac`;
}

const bash = (
  places: readonly Place[],
): string => `# Completion of alphaswarm for bash, written by: alphaswarm completion bash
_alphaswarm() {
  local at='' last='' found='' word before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${cases(places)}
  COMPREPLY=($(compgen -W "$found" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _alphaswarm alphaswarm
`;

const zsh = (places: readonly Place[]): string => `#compdef alphaswarm
# Completion of alphaswarm for zsh, written by: alphaswarm completion zsh
_alphaswarm() {
  local at='' last='' found='' word
  local -a before=("\${(@)words[2,CURRENT-1]}")
${cases(places)}
  if [[ -n $found ]]; then compadd -- \${=found}; else _files; fi
}
compdef _alphaswarm alphaswarm
`;

function fish(places: readonly Place[]): string {
  const { steps, values, here } = decisions(places);
  const arms = (of: readonly Arm[], indent: string) =>
    of
      .map(({ patterns, words }) => `${indent}case ${patterns.join(' ')}\n${indent}  string split ' ' '${words}'`)
      .join('\n');
  return `# Completion of alphaswarm for fish, written by: alphaswarm completion fish
function __alphaswarm_words
  set -l at ''
  set -l last ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${steps.join(' ')}
        set at "$at $word"
    end
    set last $word
  end
  switch "$at $last"
${arms(values, '    ')}
    case '*'
      switch "$at"
${arms(here, '        ')}
      end
  end
end
complete -c alphaswarm -a '(__alphaswarm_words)'
`;
}
