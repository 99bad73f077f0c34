/** Scripts that complete without starting Node: the commands are written into them, names are read from small files. */
import { allNodes, summary, type CommandNode, type OptionNode, type ValueKind } from './tree.js';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

const single = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const spelled = ({ long, short }: OptionNode): string[] => (short === undefined ? [long] : [long, short]);

/** Functions of a POSIX shell that give the names that are not in the script. */
const NAMES = `_apigw_cert_cached() {
  local directory="\${XDG_CACHE_HOME:-$HOME/.cache}/apigw-cert/completion"
  local profile="\${AWS_PROFILE:-default}"
  local file="$directory/\${profile//\\//_}.$1"
  # Names that are not there or old are looked for in the background: nobody waits for a network at a key.
  if [[ -z "$(find "$file" -mmin -15 2>/dev/null)" ]]; then
    (command apigw-cert completion refresh >/dev/null 2>&1 </dev/null &)
  fi
  cat "$file" 2>/dev/null
}
_apigw_cert_profiles() {
  cat "\${AWS_CONFIG_FILE:-$HOME/.aws/config}" "\${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" 2>/dev/null |
    sed -n -E 's/^\\[(profile +)?"?([^]" ]+)"?\\].*/\\2/p' | grep -v -E '^(sso-session|services|plugins)$' | sort -u
}
_apigw_cert_regions() {
  { printf 'all\\n'; cat "\${AWS_CONFIG_FILE:-$HOME/.aws/config}" 2>/dev/null | sed -n -E 's/^[[:space:]]*(sso_)?region *= *([a-z0-9-]+).*/\\2/p'
    _apigw_cert_cached regions; } | sort -u
}`;

const POSIX_NAMES: Readonly<Record<string, string>> = {
  stages: '_apigw_cert_cached stages',
  certificates: '_apigw_cert_cached certificates',
  profiles: '_apigw_cert_profiles',
  regions: '_apigw_cert_regions',
};

/** The lines that say what follows an option or an argument, as one shell writes it. */
type Writer = (value: ValueKind) => string;

const commandWords = (root: CommandNode): string =>
  allNodes(root)
    .filter(({ commands, path }) => commands.length > 0 && path.length > 0)
    .map(({ path }) => path.join(' '))
    .join('|') || '-';

function valueCases(node: CommandNode, write: Writer, indent: string): string {
  return node.options
    .filter((option) => option.value !== undefined)
    .map((option) => `${indent}${spelled(option).join('|')}) ${write(option.value ?? { kind: 'none' })} ;;`)
    .join('\n');
}

export function bashScript(root: CommandNode): string {
  const write: Writer = (value) => {
    if (value.kind === 'choices') return `_apigw_cert_words ${single(value.choices.join('\n'))}; return`;
    if (value.kind === 'files')
      return 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return';
    if (value.kind === 'directories') return 'COMPREPLY=($(compgen -d -- "$cur")); return';
    if (value.kind === 'none') return 'return';
    return `_apigw_cert_words "$(${POSIX_NAMES[value.kind] ?? ''})"; return`;
  };
  const cases = allNodes(root).map((node) => {
    const options = node.options.flatMap(spelled).join('\n');
    const values = valueCases(node, write, '        ');
    const [argument] = node.arguments;
    const rest =
      node.commands.length > 0
        ? `_apigw_cert_words ${single(node.commands.map(({ path }) => path.at(-1)).join('\n'))}`
        : write(argument ?? { kind: 'none' });
    return `    ${single(node.path.join(' '))})
      case "$prev" in
${values === '' ? '        -) ;;' : values}
      esac
      if [[ "$cur" == -* ]]; then _apigw_cert_words ${single(options)}; return; fi
      ${rest} ;;`;
  });
  return `# bash completion for apigw-cert: apigw-cert completion bash > /etc/bash_completion.d/apigw-cert
${NAMES}
_apigw_cert_words() {
  local IFS=$'\\n' word
  COMPREPLY=()
  for word in $1; do
    if [[ "$word" == "$cur"* ]]; then printf -v word '%q' "$word"; COMPREPLY+=("$word"); fi
  done
}
_apigw_cert() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="" path="" word i
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ "$cur" == "=" ]]; then cur=""; prev="\${COMP_WORDS[COMP_CWORD-1]}"
  elif [[ COMP_CWORD -gt 1 && "\${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"
  else prev="\${COMP_WORDS[COMP_CWORD-1]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ "$word" == -* ]] && break
    if [[ -z "$path" ]]; then path="$word"
    else
      case "$path" in ${commandWords(root)}) path="$path $word" ;; esac
      break
    fi
  done
  case "$path" in
${cases.join('\n')}
  esac
}
complete -F _apigw_cert apigw-cert
`;
}

const described = (name: string, text: string): string =>
  single(`${name.replaceAll(':', '\\:')}:${summary(text)}`);

export function zshScript(root: CommandNode): string {
  const write: Writer = (value) => {
    if (value.kind === 'choices') return `compadd -- ${value.choices.map(single).join(' ')}; return`;
    if (value.kind === 'files') return '_files; return';
    if (value.kind === 'directories') return '_files -/; return';
    if (value.kind === 'none') return 'return';
    return `compadd -- \${(f)"$(${POSIX_NAMES[value.kind] ?? ''})"}; return`;
  };
  const cases = allNodes(root).map((node) => {
    const options = node.options.flatMap((option) =>
      spelled(option).map((name) => described(name, option.description)),
    );
    const values = valueCases(node, write, '        ');
    const [argument] = node.arguments;
    const rest =
      node.commands.length > 0
        ? `list=(${node.commands.map(({ path, description }) => described(path.at(-1) ?? '', description)).join(' ')}); _describe command list`
        : write(argument ?? { kind: 'none' });
    return `    ${single(node.path.join(' '))})
      case "$prev" in
${values === '' ? '        -) ;;' : values}
      esac
      if [[ "$cur" == -* ]]; then list=(${options.join(' ')}); _describe option list; return; fi
      ${rest} ;;`;
  });
  return `#compdef apigw-cert
# zsh completion for apigw-cert: put it into a directory of $fpath as _apigw-cert
${NAMES}
_apigw_cert() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" where="" word i
  local -a list
  if [[ "$cur" == --*=* ]]; then prev="\${cur%%=*}"; compset -P '*='; cur="\${cur#*=}"; fi
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    [[ "$word" == -* ]] && break
    if [[ -z "$where" ]]; then where="$word"
    else
      case "$where" in ${commandWords(root)}) where="$where $word" ;; esac
      break
    fi
  done
  case "$where" in
${cases.join('\n')}
  esac
}
if [[ "\${funcstack[1]}" == _apigw-cert ]]; then _apigw_cert "$@"; else compdef _apigw_cert apigw-cert; fi
`;
}

export function fishScript(root: CommandNode): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const names: Readonly<Record<string, string>> = {
    stages: '(__apigw_cert_cached stages)',
    certificates: '(__apigw_cert_cached certificates)',
    profiles: '(__apigw_cert_profiles)',
    regions: '(__apigw_cert_regions)',
  };
  const values = (value: ValueKind): string => {
    if (value.kind === 'choices') return ` -x -a ${quote(value.choices.join(' '))}`;
    if (value.kind === 'files') return ' -r -F';
    if (value.kind === 'directories') return " -x -a '(__fish_complete_directories)'";
    return ` -x -a ${quote(names[value.kind] ?? '')}`;
  };
  const lines = allNodes(root).flatMap((node) => {
    const at = `-n ${quote(`__apigw_cert_at ${node.path.map(quote).join(' ')}`)}`;
    const [argument] = node.arguments;
    return [
      ...node.commands.map(
        ({ path, description }) =>
          `complete -c apigw-cert -f ${at} -a ${quote(path.at(-1) ?? '')} -d ${quote(summary(description))}`,
      ),
      ...node.options.map(
        ({ long, short, value, description }) =>
          `complete -c apigw-cert ${at} -l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}${value ? values(value) : ' -f'} -d ${quote(summary(description))}`,
      ),
      ...(argument && argument.kind !== 'none'
        ? [
            `complete -c apigw-cert ${at}${argument.kind === 'files' ? ' -F' : ` -f -a ${quote(argument.kind === 'choices' ? argument.choices.join(' ') : (names[argument.kind] ?? ''))}`}`,
          ]
        : []),
    ];
  });
  return `# fish completion for apigw-cert: apigw-cert completion fish > ~/.config/fish/completions/apigw-cert.fish
function __apigw_cert_at
  set -l found
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and break
    if test (count $found) -eq 0
      set -a found $word
    else
      contains -- "$found" ${commandWords(root).split('|').map(quote).join(' ')}; and set -a found $word
      break
    end
  end
  test "$found" = "$argv"
end
function __apigw_cert_cached
  set -l base ~/.cache
  set -q XDG_CACHE_HOME; and set base $XDG_CACHE_HOME
  set -l profile default
  test -n "$AWS_PROFILE"; and set profile (string replace -a / _ -- $AWS_PROFILE)
  set -l file "$base/apigw-cert/completion/$profile.$argv[1]"
  if test -z (find "$file" -mmin -15 2>/dev/null | string collect)
    command sh -c 'apigw-cert completion refresh >/dev/null 2>&1 </dev/null &'
  end
  cat "$file" 2>/dev/null
end
function __apigw_cert_files
  set -l config ~/.aws/config
  set -l credentials ~/.aws/credentials
  test -n "$AWS_CONFIG_FILE"; and set config $AWS_CONFIG_FILE
  test -n "$AWS_SHARED_CREDENTIALS_FILE"; and set credentials $AWS_SHARED_CREDENTIALS_FILE
  cat $config $credentials 2>/dev/null
end
function __apigw_cert_profiles
  __apigw_cert_files | sed -n -E 's/^\\[(profile +)?"?([^]" ]+)"?\\].*/\\2/p' | sort -u
end
function __apigw_cert_regions
  echo all
  __apigw_cert_files | sed -n -E 's/^[[:space:]]*(sso_)?region *= *([a-z0-9-]+).*/\\2/p'
  __apigw_cert_cached regions
end
${lines.join('\n')}
`;
}

export function powershellScript(root: CommandNode): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const entry = (node: CommandNode): string => {
    const values = node.options
      .flatMap((option) =>
        option.value === undefined
          ? []
          : spelled(option).map((name) => {
              const { value = { kind: 'none' as const } } = option;
              const text = value.kind === 'choices' ? value.choices.join(' ') : `@${value.kind}`;
              return `${quote(name)} = ${quote(text)}`;
            }),
      )
      .join('; ');
    const [argument] = node.arguments;
    const rest =
      argument === undefined
        ? ''
        : argument.kind === 'choices'
          ? argument.choices.join(' ')
          : `@${argument.kind}`;
    return `  ${quote(node.path.join(' '))} = @{ commands = ${quote(node.commands.map(({ path }) => path.at(-1)).join(' '))}; options = ${quote(node.options.flatMap(spelled).join(' '))}; rest = ${quote(rest)}; values = @{ ${values} } }`;
  };
  return `# PowerShell completion for apigw-cert: apigw-cert completion powershell >> $PROFILE
$ApigwCertCommands = @{
${allNodes(root).map(entry).join('\n')}
}
function Get-ApigwCertNames([string]$kind) {
  $base = if ($env:XDG_CACHE_HOME) { $env:XDG_CACHE_HOME } else { Join-Path $HOME '.cache' }
  $profileName = if ($env:AWS_PROFILE) { $env:AWS_PROFILE -replace '/', '_' } else { 'default' }
  $file = Join-Path $base "apigw-cert/completion/$profileName.$kind"
  $aws = if ($env:AWS_CONFIG_FILE) { $env:AWS_CONFIG_FILE } else { Join-Path $HOME '.aws/config' }
  if ($kind -eq 'profiles') {
    if (Test-Path $aws) { Select-String -Path $aws -Pattern '^\\[(?:profile +)?"?([^\\]" ]+)' | ForEach-Object { $_.Matches[0].Groups[1].Value } }
    return
  }
  $fresh = (Test-Path $file) -and ((Get-Item $file).LastWriteTime -gt (Get-Date).AddMinutes(-15))
  if (-not $fresh) { Start-Job { apigw-cert completion refresh } | Out-Null }
  if (Test-Path $file) { Get-Content $file }
}
Register-ArgumentCompleter -Native -CommandName apigw-cert -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  $before = if ($wordToComplete) { @($words | Select-Object -SkipLast 1) } else { $words }
  $path = ''
  foreach ($word in $before) {
    if ($word.StartsWith('-')) { break }
    $next = "$path $word".Trim()
    if ($ApigwCertCommands.ContainsKey($next)) { $path = $next } else { break }
  }
  $node = $ApigwCertCommands[$path]
  $previous = if ($before.Count) { $before[-1] } else { '' }
  $source = if ($node.values.ContainsKey($previous)) { $node.values[$previous] }
    elseif ($wordToComplete.StartsWith('-')) { $node.options }
    elseif ($node.commands) { $node.commands } else { $node.rest }
  $found = if ($source.StartsWith('@')) { Get-ApigwCertNames $source.Substring(1) } else { $source -split ' ' }
  $found | Where-Object { $_ -and $_.StartsWith($wordToComplete) } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}

export const SCRIPTS: Readonly<Record<Shell, (root: CommandNode) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
};
