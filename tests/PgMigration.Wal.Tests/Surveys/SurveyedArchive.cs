using System.Text;

namespace PgMigration.Wal;

/// <summary>An archive in a folder with a backup that begins in segment 10 and ends in segment 12, and segments whose content nobody reads.</summary>
internal sealed class SurveyedArchive : IDisposable
{
    public const int SegmentSize = MadeSegment.Size;
    private readonly string _root = Directory.CreateTempSubdirectory("pgm-survey-").FullName;

    public SurveyedArchive(EncryptionKeys? encryption = null)
    {
        Directory.CreateDirectory(WalFolder);
        Storage = ArchiveStorage.Open(ArchiveAccess.To(_root) with { Encryption = encryption });
    }

    public string WalFolder => Path.Combine(_root, "wal_005");

    public IArchiveStorage Storage { get; }

    public static WalBackup Backup { get; } = BackupOn(timeline: 1);

    public static WalBackup BackupOn(uint timeline) => new()
    {
        Name = $"base_{Name(10, timeline)}", StartSegment = Name(10, timeline), StartLsn = At(10, 0x28), FinishLsn = At(12, 0x100), Time = DateTimeOffset.UtcNow.AddDays(-3), Archive = "here",
    };

    public static WalSegmentName Name(int number, uint timeline = 1) => WalSegmentName.Containing(timeline, At(number), SegmentSize);

    public static Lsn At(int number, int offset = 0) => new(((ulong)number * SegmentSize) + (ulong)offset);

    /// <summary>Makes objects of segments, as if one were stored a minute.</summary>
    public SurveyedArchive With(IEnumerable<int> numbers, uint timeline = 1, string extension = ".lz4", int length = 100)
    {
        foreach (int number in numbers)
        {
            string file = Path.Combine(WalFolder, Name(number, timeline) + extension);
            File.WriteAllBytes(file, new byte[length]);
            File.SetLastWriteTimeUtc(file, new DateTime(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(number));
        }

        return this;
    }

    public SurveyedArchive WithHistory(uint timeline, params (uint Parent, Lsn At)[] lines)
    {
        File.WriteAllText(Path.Combine(WalFolder, TimelineHistory.FileName(timeline)), string.Concat(lines.Select(line => $"{line.Parent}\t{line.At}\tno recovery target specified\n")), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return this;
    }

    public Task<WalArchiveReport> SurveyAsync(WalBackup? backup = null, double? rate = null) => ArchiveSurvey.RunAsync(Storage, backup ?? Backup, rate);

    public void Dispose()
    {
        Storage.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
