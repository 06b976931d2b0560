import Diagnostics

/// A word of a line that is quoted as in a shell.
struct ShellWord: Equatable {
    let text: String
    /// The column at which it starts, from 1.
    let column: Int
    /// The number of characters of the line that it takes, including quotes.
    let length: Int
    /// For each character of the text, the column where it was written.
    let columns: [Int]
}

/// Splits a line as Python's `shlex.split` with comments does, which is what Ansible uses.
enum ShellWords {
    /// What is wrong with a line, and the column it starts at.
    struct Fault: Error, Equatable {
        let text: String
        let hint: String
        let column: Int
    }

    /// The words of a line; with `comments`, a `#` ends the line, also inside a word.
    static func split(_ line: String, comments: Bool) throws(Fault) -> [ShellWord] {
        let characters = Array(line.unicodeScalars)
        var words: [ShellWord] = []
        var text = String.UnicodeScalarView()
        var columns: [Int] = []
        var start: Int?
        var index = 0
        func finish(at end: Int) {
            if let first = start {
                words.append(
                    ShellWord(
                        text: String(text), column: first + 1, length: end - first,
                        columns: columns))
            }
            text = String.UnicodeScalarView()
            columns = []
            start = nil
        }
        func take(_ scalar: Unicode.Scalar, from column: Int) {
            text.append(scalar)
            columns.append(column + 1)
        }
        while index < characters.count {
            let character = characters[index]
            switch character {
            case " ", "\t", "\r", "\n":
                finish(at: index)
            case "#" where comments:
                finish(at: index)
                return words
            case "'", "\"":
                if start == nil { start = index }
                let open = index
                index += 1
                while index < characters.count, characters[index] != character {
                    if character == "\"", characters[index] == "\\", index + 1 < characters.count {
                        // Only a quote or a backslash loses the backslash before it.
                        if characters[index + 1] != "\"" && characters[index + 1] != "\\" {
                            take("\\", from: index)
                        }
                        index += 1
                    }
                    take(characters[index], from: index)
                    index += 1
                }
                if index == characters.count {
                    throw Fault(
                        text: "a quote is opened and never closed",
                        hint: "close it; put a \\ before a quote that is meant literally",
                        column: open + 1)
                }
            case "\\":
                if start == nil { start = index }
                index += 1
                guard index < characters.count else {
                    throw Fault(
                        text: "nothing follows the last backslash", hint: "double it", column: index
                    )
                }
                take(characters[index], from: index)
            default:
                if start == nil { start = index }
                take(character, from: index)
            }
            index += 1
        }
        finish(at: characters.count)
        return words
    }
}
