import Diagnostics
import Linux
import TestSupport
import Testing
import Values

@testable import Inventory

/// Connection variables are honoured, or refused by name.
@Suite struct ConnectionTests {
    private func inventory(_ text: String) throws -> InventorySet {
        let folder = try TemporaryDirectory()
        let path = try folder.write("hosts.yaml", text)
        return try InventorySet.load(sources: [path], machine: LocalMachine()).inventory
    }

    private func connection(_ variables: String) throws -> ConnectionVariables {
        try #require(
            try inventory("all: {hosts: {h: {\(variables)}}}").connection(of: "h"))
    }

    private func faults(_ variables: String) throws -> [String] {
        let inventory = try inventory("all: {hosts: {h: {\(variables)}, other: }}")
        let faults = #expect(throws: Faults.self) { try inventory.connection(of: "h") }
        // What one host has does not touch another.
        #expect(try inventory.connection(of: "other") != nil)
        #expect(faults?.all.allSatisfy { $0.exitCode == .hostFailed } == true)
        return (faults?.all ?? []).map(\.summary)
    }

    @Test func aHostWithoutAnyIsReachedByItsName() throws {
        let connection = try connection("x: 1")
        #expect(connection == ConnectionVariables(address: "h"))
        #expect(try inventory("all: {hosts: {h: }}").connection(of: "nosuch") == nil)
    }

    @Test func everythingHonouredIsRead() throws {
        let connection = try connection(
            """
            ansible_host: 192.0.2.1, ansible_port: "2222", ansible_user: ops, ansible_become: "yes",
            ansible_become_method: sudo, ansible_become_user: root, ansible_timeout: 5,
            ansible_private_key_file: /k, ansible_connection: ssh, ansible_python_interpreter: /p,
            ansible_ssh_pipelining: true, ansible_host_key_checking: true,
            ansible_ssh_common_args: "-o ProxyJump=bastion -oStrictHostKeyChecking=yes -C",
            ansible_ssh_extra_args: "-J 'a,b' -i /k2 -F /dev/null -4q -o 'ConnectTimeout 3'"
            """)
        #expect(connection.kind == .ssh)
        #expect(connection.address == "192.0.2.1")
        #expect(connection.port == 2222)
        #expect(connection.user == "ops")
        #expect(connection.become == true)
        #expect(connection.privateKeyFile == "/k")
        #expect(connection.connectTimeoutSeconds == 5)
        let arguments = connection.sshArguments
        #expect(
            arguments.options == [
                .init(name: "ProxyJump", value: "bastion"),
                .init(name: "StrictHostKeyChecking", value: "yes"),
                .init(name: "Compression", value: "yes"),
                .init(name: "ProxyJump", value: "a,b"), .init(name: "IdentityFile", value: "/k2"),
                .init(name: "AddressFamily", value: "inet"),
                .init(name: "ConnectTimeout", value: "3"),
            ])
        #expect(arguments.configurationFile == "/dev/null")
        #expect(arguments.value("proxyjump") == "bastion")
        #expect(connection.origins["ansible_port"]?.line == 1)
    }

    @Test func musterOwnNamesComeAfterAnsibles() throws {
        let plain = try connection("address: a, port: 22, user: u")
        #expect((plain.address, plain.port, plain.user) == ("a", 22, "u"))
        let both = try connection("port: 8080, ansible_port: 22, user: app, ansible_user: ops")
        #expect((both.port, both.user) == (22, "ops"))
        #expect(try connection("user: {name: x}, port: [1]").port == nil)
    }

    @Test func nullMeansNotGiven() throws {
        #expect(try connection("ansible_port: , ansible_password: ~").port == nil)
    }

    @Test func whatCannotBeHonouredIsRefusedByName() throws {
        #expect(
            try faults(
                "ansible_password: x, ansible_become_flags: -i, ansible_ssh_unheard_of: 1, ansible_connection: winrm"
            ) == [
                "host h: ansible_become_flags is not supported",
                "host h: ansible_password is not supported",
                "host h: ansible_ssh_unheard_of is not supported",
                "host h: ansible_connection is \"winrm\"",
            ])
        #expect(
            try faults("ansible_become_method: su, ansible_become_user: postgres") == [
                "host h: ansible_become_user is \"postgres\"",
                "host h: ansible_become_method is \"su\"",
            ])
        #expect(
            try faults("ansible_ssh_common_args: '-W x -o NoValue -z'") == [
                "host h: ansible_ssh_common_args has the argument \"-W\", which muster does not know",
                "host h: ansible_ssh_common_args has the argument \"x\", which muster does not know",
                "host h: ansible_ssh_common_args has the argument \"-o NoValue\", which muster does not know",
                "host h: ansible_ssh_common_args has the argument \"-z\", which muster does not know",
            ])
        #expect(
            try faults("ansible_host_key_checking: false") == [
                "host h: ansible_host_key_checking is not supported"
            ])
    }

    @Test func wrongTypesAreFaults() throws {
        #expect(
            try faults("ansible_port: 70000") == [
                "host h: ansible_port must be a whole number from 1 to 65535"
            ])
        #expect(
            try faults(
                "ansible_port: ssh, ansible_host: [a], ansible_user: '', ansible_become: maybe")
                == [
                    "host h: ansible_host must be text, not a list",
                    "host h: ansible_port must be a whole number from 1 to 65535",
                    "host h: ansible_user must be text, not empty",
                    "host h: ansible_become must be true or false",
                ])
        #expect(
            try faults("ansible_ssh_args: \"-o 'x\"") == [
                "host h: ansible_ssh_args cannot be read: a quote is opened and never closed"
            ])
    }

    @Test func vaultValuesAreRefusedByName() throws {
        #expect(
            try faults("ansible_user: !vault x") == [
                "host h: ansible_user is encrypted by Ansible's vault"
            ])
    }

    @Test func templatesAreEvaluatedByTheCaller() throws {
        let text = "all: {hosts: {h: {ansible_host: \"{{ inventory_hostname }}.ld4\"}}}"
        let inventory = try inventory(text)
        let faults = #expect(throws: Faults.self) { try inventory.connection(of: "h") }
        #expect(
            faults?.all.map(\.summary) == [
                "host h: ansible_host: a template where a plain value is needed"
            ])
        let connection = try inventory.connection(of: "h") { (_) throws(Faults) in .string("h.ld4")
        }
        #expect(connection?.address == "h.ld4")
    }

    @Test func groupsGiveThemToo() throws {
        let inventory = try inventory(
            "lab: {vars: {ansible_connection: local}, hosts: {h: , 'g:2222': }}")
        #expect(try inventory.connection(of: "h")?.kind == .local)
        #expect(try inventory.connection(of: "g")?.port == 2222)
    }
}
