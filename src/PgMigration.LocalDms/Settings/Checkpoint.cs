namespace PgMigration.LocalDms;

/// <summary>A position in the source's log as DMS writes it: an LSN, or a checkpoint that a task showed as its RecoveryCheckpoint.</summary>
internal static class Checkpoint
{
    /// <summary>The text of a RecoveryCheckpoint.</summary>
    public static string Write(Lsn lsn) => $"checkpoint:V1#1#{lsn.Position >> 32:X8}/{(uint)lsn.Position:X8}#0#0#*#0#0";

    /// <summary>Reads a CdcStartPosition.</summary>
    /// <exception cref="Fault">InvalidParameterValueException.</exception>
    public static Lsn? Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        string lsn = text.StartsWith("checkpoint:", StringComparison.Ordinal) && text.Split('#') is [_, _, var middle, ..] ? middle : text;
        return Lsn.TryParse(lsn, null, out var position)
            ? position
            : throw Fault.InvalidValue($"Invalid CDC start position '{text}'; expected an LSN such as 16/B374D848, or a task's RecoveryCheckpoint. The local DMS does not start at a time.");
    }
}
