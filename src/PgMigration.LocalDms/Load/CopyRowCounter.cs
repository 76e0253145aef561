using System.Buffers.Binary;

namespace PgMigration.LocalDms;

/// <summary>Counts the rows in a binary COPY stream as it passes.</summary>
/// <remarks>Source: PostgreSQL's manual, COPY, "Binary Format": signature, flags and extension, then for each row a count of fields, and for each field its length.</remarks>
internal sealed class CopyRowCounter
{
    private const int HeaderLength = 19;

    private readonly byte[] _number = new byte[4];
    private int _numberFilled;
    private int _numberLength = 4;
    private long _skip = HeaderLength - 4;
    private State _state = State.Header;
    private int _fields;

    private enum State
    {
        Header,
        Row,
        Field,
        End,
    }

    /// <summary>The rows so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Takes in what passes.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && _state != State.End)
        {
            if (_skip > 0)
            {
                int skipped = (int)Math.Min(_skip, bytes.Length);
                _skip -= skipped;
                bytes = bytes[skipped..];
                continue;
            }

            int taken = Math.Min(_numberLength - _numberFilled, bytes.Length);
            bytes[..taken].CopyTo(_number.AsSpan(_numberFilled));
            _numberFilled += taken;
            bytes = bytes[taken..];
            if (_numberFilled == _numberLength)
            {
                _numberFilled = 0;
                Step();
            }
        }
    }

    private void Step()
    {
        switch (_state)
        {
            case State.Header: // the length of the extension
                _skip = BinaryPrimitives.ReadInt32BigEndian(_number);
                Expect(State.Row);
                break;
            case State.Row:
                _fields = BinaryPrimitives.ReadInt16BigEndian(_number);
                if (_fields < 0)
                {
                    _state = State.End;
                    break;
                }

                Rows++;
                Expect(_fields == 0 ? State.Row : State.Field);
                break;
            default:
                _skip = Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(_number)); // -1 is NULL
                _fields--;
                Expect(_fields == 0 ? State.Row : State.Field);
                break;
        }
    }

    private void Expect(State state)
    {
        _state = state;
        _numberLength = state == State.Row ? 2 : 4;
    }
}
