extension DefinitionDraft {
    /// How the files are written that are handed in.
    var fileQuestions: [Question] {
        var list = [Question("type", "How are files of usage written?", usual: "csv", choices: ["csv", "json"])]
        if value("type") == "json" {
            list.append(Question("records", "Where the list of records stands", usual: "$[*]"))
        } else {
            list.append(Question("delimiter", "What divides the fields of a line", usual: ",", choices: [",", ";", "tab", "|"]))
        }
        return list + [
            Question(
                "encoding", "Their encoding; automatic is UTF-8, or UTF-16 with its mark", usual: "automatic",
                choices: TextEncoding.allCases.map(\.rawValue)),
            Question(
                "decimalMark", "What stands before a fraction", usual: "point",
                choices: UsageFileFormat.DecimalMark.allCases.map(\.rawValue)),
            Question("accountId", "The column with the customer's id", usual: "account_id"),
            Question("accountName", "The column with the customer's name", usual: "account_name"),
            Question("serviceColumn", "The column with the service", usual: "service"),
            Question("countColumn", "The column with the count", usual: "count"),
        ]
    }

    var usageText: String {
        """
        # A usage source: what is handed in as files or pushed. Every key is explained in docs/usage-files-and-push.md.
        # Check it with `perch connectors check FILE`, try it with `perch connectors preview FILE --file USAGE`.
        format: 1
        kind: usage
        id: \(quoted("id"))
        name: \(quoted("name"))

        bases:
          # What a count means, kept with every number. Raise the version when what is counted changes.
          \(quoted("basis")):
            version: 1
            counts: \(Self.quote("The customer's \(value("basis")) at the moment of the export."))

        # Only these may stand in what is handed in, under these names.
        services:
          - name: \(quoted("service"))
            description: \(quoted("service"))
            category: \(quoted("category"))
            subcategory: \(quoted("subcategory"))
            basis: \(quoted("basis"))

        file:
          type: \(quoted("type"))
          \(value("type") == "json" ? "records: \(quoted("records"))" : "delimiter: \(quoted("delimiter"))")
          encoding: \(quoted("encoding"))
          decimalMark: \(quoted("decimalMark"))
          columns:
            accountId: \(quoted("accountId"))
            accountName: \(quoted("accountName"))
            service: \(quoted("serviceColumn"))
            count: \(quoted("countColumn"))

        """
    }
}
