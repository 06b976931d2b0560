extension CPUList {
    /// Reads a mask in the kernel's format: hexadecimal groups of 32 bits, the highest first.
    ///
    /// The first group may be short: `f`, `00000000,ff00ff00`, `3,00000000`.
    package init(parsingMask text: String) throws(ValueFault) {
        let groups = text.split(separator: ",", omittingEmptySubsequences: false)
        var numbers: [Int] = []
        for (index, group) in groups.reversed().enumerated() {
            guard (1...8).contains(group.utf8.count), let bits = UInt32(group, radix: 16),
                group.first != "+"
            else {
                throw ValueFault(
                    "\"\(group.prefix(40))\" in \(ScalarText.shown(text)) is not a group of a CPU mask",
                    hint: "a mask has groups of eight hexadecimal digits: 00000000,0000ff00")
            }
            for bit in 0..<32 where bits & (1 << bit) != 0 { numbers.append(index * 32 + bit) }
        }
        if let last = numbers.max(), last > CPUList.largestCPU {
            throw ValueFault(
                "\(last) in \(ScalarText.shown(text)) is larger than \(CPUList.largestCPU)")
        }
        self.init(numbers)
    }

    /// The mask in the kernel's format, with as many groups of 32 bits as needed.
    package var mask: String {
        var groups = [UInt32](repeating: 0, count: (numbers.last ?? 0) / 32 + 1)
        for number in numbers { groups[number / 32] |= 1 << (number % 32) }
        var text = ""
        for (index, group) in groups.reversed().enumerated() {
            let digits = String(group, radix: 16)
            text +=
                index == 0 ? digits : "," + String(repeating: "0", count: 8 - digits.count) + digits
        }
        return text
    }

    /// The mask for system calls: CPU n is a bit in byte n / 8.
    package var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: ((numbers.last ?? 0) / 64 + 1) * 8)
        for number in numbers { bytes[number / 8] |= 1 << (number % 8) }
        return bytes
    }

    package var isEmpty: Bool { numbers.isEmpty }

    package func contains(_ number: Int) -> Bool { numbers.contains(number) }

    package func union(_ other: CPUList) -> CPUList { CPUList(numbers + other.numbers) }

    package func intersection(_ other: CPUList) -> CPUList {
        let those = Set(other.numbers)
        return CPUList(numbers.filter(those.contains))
    }

    package func subtracting(_ other: CPUList) -> CPUList {
        let those = Set(other.numbers)
        return CPUList(numbers.filter { !those.contains($0) })
    }
}
