# Completion of mobileops for fish 3.1 and later: mobileops completion fish | source
# What is offered comes from the program itself; see mobileops.cli.completing for the question and the answer.

function __mobileops_offer
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $before[1])
    for line in ($program completion --query fish $before[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                echo -- $line
        end
    end
end

complete -c mobileops -f -a '(__mobileops_offer)'
