import Commands
import Glibc

exit(Entrypoint.main(Array(CommandLine.arguments.dropFirst())))
