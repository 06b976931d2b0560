/// A date, or a date and time, by the pattern of YAML 1.1.
struct Timestamp {
    private let date: (year: Int, month: Int, day: Int)
    private var time: (hour: Int, minute: Int, second: Int, microsecond: Int)?
    /// Minutes east of UTC; nil without a time zone.
    private var zone: Int?

    /// Reads the whole text; nil if it is not a timestamp or not a date of the calendar.
    init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        var cursor = ByteCursor(bytes)
        guard let year = cursor.takeNumber(4, 4), cursor.take(UInt8(ascii: "-")),
            let month = cursor.takeNumber(1, 2), cursor.take(UInt8(ascii: "-")),
            let day = cursor.takeNumber(1, 2), year > 0, (1...12).contains(month),
            (1...Self.days(in: month, of: year)).contains(day)
        else { return nil }
        date = (year, month, day)
        if cursor.isAtEnd {
            // In a date alone, month and day have two digits.
            if bytes.count != 10 { return nil }
            return
        }
        guard
            cursor.take(UInt8(ascii: "T")) || cursor.take(UInt8(ascii: "t")) || cursor.skipBlanks(),
            let hour = cursor.takeNumber(1, 2), cursor.take(UInt8(ascii: ":")),
            let minute = cursor.takeNumber(2, 2), cursor.take(UInt8(ascii: ":")),
            let second = cursor.takeNumber(2, 2), hour < 24, minute < 60, second < 60
        else { return nil }
        var microsecond = 0
        if cursor.take(UInt8(ascii: ".")) {
            var scale = 100_000
            while let byte = cursor.next, ScalarReading.isDigit(byte) {
                microsecond += Int(byte - UInt8(ascii: "0")) * scale
                scale /= 10
                _ = cursor.take(byte)
            }
        }
        time = (hour, minute, second, microsecond)
        if cursor.isAtEnd { return }
        _ = cursor.skipBlanks()
        if cursor.take(UInt8(ascii: "Z")) {
            zone = 0
        } else {
            let isWest = cursor.take(UInt8(ascii: "-"))
            guard isWest || cursor.take(UInt8(ascii: "+")), let hours = cursor.takeNumber(1, 2)
            else { return nil }
            var minutes = 0
            if cursor.take(UInt8(ascii: ":")) {
                guard let given = cursor.takeNumber(2, 2) else { return nil }
                minutes = given
            }
            let offset = hours * 60 + minutes
            guard offset < 24 * 60 else { return nil }
            zone = isWest ? -offset : offset
        }
        if !cursor.isAtEnd { return nil }
    }

    /// ISO 8601 in the format of Python's `isoformat`, which Ansible's JSON shows.
    var isoText: String {
        var text =
            "\(Self.padded(date.year, 4))-\(Self.padded(date.month))-\(Self.padded(date.day))"
        guard let time else { return text }
        text += "T\(Self.padded(time.hour)):\(Self.padded(time.minute)):\(Self.padded(time.second))"
        if time.microsecond > 0 { text += ".\(Self.padded(time.microsecond, 6))" }
        guard let zone else { return text }
        text += zone < 0 ? "-" : "+"
        return text + "\(Self.padded(abs(zone) / 60)):\(Self.padded(abs(zone) % 60))"
    }

    private static func padded(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
