import AgentCore
import Glibc

exit(AgentCommandLine.run(Array(CommandLine.arguments.dropFirst())))
