import Commands
import Glibc

Entrypoint.prepare()
exit(await Entrypoint.run(Array(CommandLine.arguments.dropFirst())))
