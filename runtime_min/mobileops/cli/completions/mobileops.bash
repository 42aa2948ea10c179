# Completion of mobileops for bash 4.4 and later: source <(mobileops completion bash)
# What is offered comes from the program itself; see mobileops.cli.completing for the question and the answer.

_mobileops() {
    local line current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]/#\~/$HOME}
    COMPREPLY=()
    [[ $current == = ]] && current=
    while IFS= read -r line; do
        case $line in
            :files)
                compopt -o filenames
                while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
                ;;
            :folders)
                compopt -o filenames
                while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current")
                ;;
            *)
                line=${line%%$'\t'*}
                [[ $line == *= ]] && compopt -o nospace
                COMPREPLY+=("$line")
                ;;
        esac
    done < <("$program" completion --query bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _mobileops mobileops
